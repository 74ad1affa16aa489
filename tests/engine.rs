//! The engine against a world of strict fakes: every strategy, a fault, a signal and a death at every
//! port call, and what is judged on the way.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod engine {
    pub(crate) mod case;
    mod crashes;
    mod faults;
    mod judging;
    mod many;
    mod record;
    #[path = "../rollout/scenario.rs"]
    #[expect(dead_code, reason = "the tests of the machine use the rest")]
    pub(crate) mod scenario;
    mod signals;
    mod strategies;
    pub(crate) mod world;
}
