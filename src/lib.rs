//! greenroom ships a service to an environment, proves that it works there, and puts the old one
//! back when it does not.
//!
//! This is the map. Three laws hold everywhere and `tests/architecture.rs` checks the arrows:
//!
//! 1. Decide synchronously, act elsewhere: the pure modules name no clock, environment, file,
//!    process or network.
//! 2. Drivers observe, the engine waits, the core judges: a driver never sleeps, retries or decides.
//! 3. One list of events is the ledger, the resume point, the console and every report.
//!
//! | pure | what it decides |
//! |---|---|
//! | [`model`] | nouns with invariants |
//! | [`config`] | YAML text → resolved pipeline and environments, or diagnostics |
//! | [`trigger`] | event → does it deploy, where, what, why |
//! | [`tagging`] | version + time + commit → tags |
//! | [`policy`] | request + environment + history → allowed, or every reason why not |
//! | [`scan`] | scanner's report → findings, and whether they stop a deployment |
//! | [`rollout`] | the heart: plan, strategies, machine, events |
//! | [`analysis`] | samples → verdict |
//! | [`history`] | records → is the chain whole, what is live, what happened |
//! | [`oci`] | bytes → manifests, indexes and what hangs off them |
//! | [`retention`] | manifests + ledger → which images may go |
//! | [`report`] | events → Markdown, JSON, JUnit, annotations, console |
//! | [`scaffold`] | choices → a project's first files: configuration, workflows, Containerfile |
//! | [`ports`] | every trait, on one screen |
//!
//! Effects stand behind the ports: [`engine`] (the only loop of a rollout), [`images`], [`parallel`], [`target`],
//! [`router`], [`proxmox`], [`registry`], [`builder`], [`ledger`], [`probe`], [`scanner`], [`signature`], [`forge`],
//! [`host`]. [`app`] holds one use case per file
//! and the composition root; [`cli`] one file per command; [`demo`] shows what greenroom does; [`testing`] the strict fakes and the
//! contract suites that every implementation of a port must pass.

pub mod analysis;
pub mod app;
pub mod backup;
pub mod builder;
pub mod cli;
pub mod config;
pub mod demo;
pub mod engine;
pub mod forge;
pub mod history;
pub mod host;
pub mod images;
pub mod ledger;
pub mod model;
pub mod oci;
pub mod parallel;
pub mod policy;
pub mod ports;
pub mod probe;
pub mod proxmox;
pub mod registry;
pub mod report;
pub mod retention;
pub mod rollout;
pub mod router;
pub mod scaffold;
pub mod scan;
pub mod scanner;
pub mod signature;
pub mod tagging;
pub mod target;
pub mod testing;
pub mod trigger;
