//! The action as a job uses it: workflows under act in host mode, with real event files, a real registry, a
//! real remote for the ledger, and a GitHub on 127.0.0.1. What a run deploys is started for real, and asked.

mod begun;
mod dispatches;
mod events;
mod journey;
mod labels;
mod player;
mod pushes;
mod release;
mod rendered;
mod stage;
mod told;
mod upkeep;
mod workflow;
