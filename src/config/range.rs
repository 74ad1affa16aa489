//! Numbers within bounds, for `#[serde(deserialize_with = …)]`: one that lies outside is an error
//! that names the bounds, at the number's own place.

use serde::de::{Deserialize, Deserializer, Error};
use std::fmt::Display;

/// A number from `MIN` to `MAX`.
pub(crate) fn within<'de, D, T, const MIN: u64, const MAX: u64>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = u64::deserialize(deserializer)?;
    if (MIN..=MAX).contains(&number)
        && let Ok(fits) = T::try_from(number)
    {
        return Ok(fits);
    }
    Err(outside(number, MIN, MAX))
}

/// The same where it may be left out.
pub(crate) fn maybe_within<'de, D, T, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    within::<D, T, MIN, MAX>(deserializer).map(Some)
}

/// A count of replicas, 0 to 1000.
pub(crate) fn replicas<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    maybe_within::<D, u32, 0, 1000>(deserializer)
}

/// A number of days, 0 to 3650.
pub(crate) fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    maybe_within::<D, u32, 0, 3650>(deserializer)
}

/// A share, 0 to 1.
pub(crate) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(outside(number, 0, 1))
    }
}

/// The same where it may be left out.
pub(crate) fn maybe_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    share(deserializer).map(Some)
}

fn outside<E: Error>(number: impl Display, least: u64, most: u64) -> E {
    E::custom(format_args!("{number} is not between {least} and {most}"))
}
