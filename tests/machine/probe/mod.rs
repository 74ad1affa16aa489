//! The probe against scripted servers on loopback: every way in which a service answers, or does not.

mod service;
