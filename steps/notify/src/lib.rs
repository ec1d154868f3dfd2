//! The notify step: a sealed report reaches people.
//!
//! Nothing is sent yet. What would be sent is written down beside the reports, and says of itself that it was not.

pub mod task;
