//! Which guest is meant, whose it is, and where others may stand.
//!
//! What changes a guest takes an [`Owned`], which only [`prove`] makes of a configuration that was just
//! read; what cannot be taken back takes a [`Fresh`] one, which is used up by it.

mod guests;
mod marker;
mod naming;
mod place;
mod proof;
mod reference;
mod saved;
mod service;

pub use guests::{Fresh, GuestOwnership, Guests};
pub use marker::{Marker, NewMarker, NoMarker};
pub use naming::{TAG, guest_name, tags};
pub use place::{Addresses, GuestPlace, Places};
pub use proof::{Doubt, FoundGuest, Owned, Scope, Stranger, prove};
pub use reference::{GuestKind, GuestRef};
