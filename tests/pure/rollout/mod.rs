//! The rollout machine against a small model of the world: a failure at every effect of every
//! strategy, a crash at every event, and every prefix replayed.

mod faults;
mod world;
