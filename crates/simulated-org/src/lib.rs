//! A deterministic AWS Organization over all time, and an HTTP server that speaks AWS Config's wire protocol for it.
//!
//! [`World`] is a pure function of a [`SimulationConfig`] and the time; [`Truth`] is everything that is so at one
//! moment, in the words of the domain. [`Recorded`] reads a real account into the same [`Truth`]. [`Server`] answers
//! any AWS client for an [`Organization`]; it follows the service model, for no aggregator's answers are recorded in
//! public.
//!
//! ```
//! use simulated_org::{Organization, Server, SimulationConfig, World};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SimulationConfig { accounts: 3, regions: 1, rules: 5, resources: 4, ..Default::default() };
//! let world = World::new(config)?;
//! let at = "2026-11-21T09:00:00Z".parse()?;
//! let truth = world.truth(at);
//! let server = Server::start(Organization::from(world), ([127, 0, 0, 1], 0), at)?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(truth.accounts.len(), 3);
//! # Ok(())
//! # }
//! ```

mod config;
mod faults;
mod moment;
mod random;
mod recorded;
mod server;
mod truth;
mod world;

pub use config::{ResourceComplianceRecording, SimulationConfig};
pub use faults::{Faults, FaultsError};
pub use recorded::{Recorded, RecordedError};
pub use server::{Call, ErrorAnswer, Fault, Organization, Server, serve};
pub use truth::Truth;
pub use world::World;
