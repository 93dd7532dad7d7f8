//! What reads bytes that others wrote: each target takes any bytes and panics where a promise about
//! them does not hold. None may hang.

mod answers;
mod journal;
mod topology;
mod values;

pub use answers::answers;
pub use journal::journal;
pub use topology::topology;
pub use values::values;
