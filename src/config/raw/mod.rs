//! What is written: the shape of the files, before defaults and names are settled.

mod acceptance;
mod check;
mod deployment;
mod environment;
mod image;
mod pipeline;
mod scan;
mod signature;
mod target;

pub(crate) use acceptance::RawAcceptance;
pub(crate) use check::{RawCheck, RawHttp};
pub(crate) use deployment::{RawAnalysis, RawCanary, RawDeployment, RawRollback, RawRolling, RawStrategy};
pub(crate) use environment::{RawEnvironment, RawHook, RawHooks, RawNetwork, RawProtection};
pub(crate) use image::{RawBuild, RawBuildCommand, RawDockerfile, RawFiles, RawImage, RawSmoke};
pub(crate) use pipeline::{
    RawChannel, RawCommandPolicy, RawFreeze, RawGitHub, RawLedger, RawNotify, RawPipeline, RawRetention,
    RawTrigger, RawValidate, RawVersion,
};
pub(crate) use scan::{RawAllowance, RawScan};
pub(crate) use signature::{RawSignatures, RawSigner, RawTlog};
pub(crate) use target::{RawCommandTarget, RawLocal};
