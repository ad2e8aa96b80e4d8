//! What the emitted Cedar decides, by Cedar's own authorizer and by the lifter, against the access relation.

mod decisions;
mod evidence;
mod names;
pub(crate) mod properties;
mod tampering;
pub(crate) mod world;
