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
//! | [`model`](domain::model) | nouns with invariants |
//! | [`config`] | YAML text → resolved pipeline and environments, or diagnostics |
//! | [`trigger`](domain::trigger) | event → does it deploy, where, what, why |
//! | [`tagging`](domain::tagging) | version + time + commit → tags |
//! | [`policy`](domain::policy) | request + environment + history → allowed, or every reason why not |
//! | [`scan`](domain::scan) | scanner's report → findings, and whether they stop a deployment |
//! | [`rollout`](domain::rollout) | the heart: plan, strategies, machine, events |
//! | [`analysis`](domain::analysis) | samples → verdict |
//! | [`history`](domain::history) | records → is the chain whole, what is live, what happened |
//! | [`oci`](domain::oci) | bytes → manifests, indexes and what hangs off them |
//! | [`retention`](domain::retention) | manifests + ledger → which images may go |
//! | [`report`] | events → Markdown, JSON, JUnit, annotations, console |
//! | [`scaffold`] | choices → a project's first files: configuration, workflows, Containerfile |
//! | [`ports`] | every trait, on one screen |
//!
//! Effects stand behind the ports: [`engine`] (the only loop of a rollout), [`images`], [`parallel`], [`targets`](adapters::targets),
//! [`router`](adapters::router), [`proxmox`](adapters::proxmox), [`registry`](adapters::registry), [`builder`](adapters::builder), [`ledger`](adapters::ledger), [`probe`](adapters::probe), [`scanner`](adapters::scanner), [`signature`](adapters::signature), [`forge`](adapters::forge),
//! [`host`]. [`app`] holds one use case per file
//! and the composition root; [`cli`] one file per command; [`demo`] shows what greenroom does; [`testing`] the strict fakes and the
//! contract suites that every implementation of a port must pass.

pub mod adapters;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod host;
pub mod images;
pub mod parallel;
pub mod ports;
pub mod report;
pub mod scaffold;
pub mod testing;
