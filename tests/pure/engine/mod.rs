//! The engine against a world of strict fakes: every strategy, a fault, a signal and a death at every
//! port call, and what is judged on the way.

mod case;
mod crashes;
mod faults;
mod judging;
mod many;
mod record;
mod signals;
mod strategies;
mod world;
