//! The simulated organization: inside the process for `--simulate`, and served over HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use compliance::Timestamp;
use compliance::catalogue::CatalogueError;
use compliance::hash::{canonical_json, sha256_hex};
use compliance::ports::Clock;
use compliance::settings::CollectionSettings;
use jiff::Unit;
use local::SystemClock;
use simulated_org::{Organization, Recorded, Server, SimulationConfig, World};

use crate::args::{ServeArgs, SimulationArgs};
use crate::error::{CliError, defect};
use crate::sources::whole;

/// The name of the simulated aggregator.
pub(crate) const AGGREGATOR: &str = "organization";
/// The role of the simulated member accounts that reads their rules.
pub(crate) const INVENTORY_ROLE: &str = "plumbline-inventory";

/// Without `--day`, the moment served follows the clock in steps of this length, so that a reader who pages through
/// sees one moment, almost always.
const STEP: Duration = Duration::from_secs(60);

/// The organization behind `--simulate`, on a free port of this machine.
pub(crate) struct Simulation {
    server: Server,
    description: String,
}

impl Simulation {
    pub(crate) fn start(args: &SimulationArgs, at: Timestamp) -> Result<Self, CliError> {
        let config = config(args);
        let description = config.describe();
        let server = start(faulty(world(config)?, args), 0, at)?;
        Ok(Self { server, description })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Names the simulation wherever its data is shown. Collected under other settings it is another one: a snapshot
    /// of the same moment must not be taken for it.
    pub(crate) fn description(&self, collection: &CollectionSettings) -> Result<String, CliError> {
        let usual = CollectionSettings {
            rule_inventory_role: Some(INVENTORY_ROLE.to_owned()),
            ..Default::default()
        };
        if *collection == usual {
            return Ok(self.description.clone());
        }
        let bytes = canonical_json(collection).map_err(defect("the collection settings"))?;
        Ok(format!(
            "{}, collection settings {}",
            self.description,
            &sha256_hex(&bytes)[..8]
        ))
    }

    /// Shows the organization as it was at a moment.
    pub(crate) fn show(&self, at: Timestamp) {
        self.server.set_time(at);
    }
}

/// Serves until it is ended.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), CliError> {
    let now = || whole(SystemClock.now(), Unit::Minute);
    let organization = match &args.recorded {
        Some(file) => Organization::from(recorded(file, !args.no_rule_inventory)?),
        None => {
            let config = SimulationConfig {
                rule_inventory: !args.no_rule_inventory,
                ..config(&args.simulation)
            };
            world(config)?
        }
    };
    let organization = faulty(organization, &args.simulation);
    let server = start(organization, args.port, args.day.unwrap_or_else(now))?;
    crate::print(&format!(
        "listening on {} (aggregator {AGGREGATOR}; Config, Organizations and STS for any AWS client; signatures are not checked)\n",
        server.url()
    ))?;
    loop {
        std::thread::sleep(STEP);
        if args.day.is_none() {
            server.set_time(now());
        }
    }
}

fn config(args: &SimulationArgs) -> SimulationConfig {
    let default = SimulationConfig::default();
    SimulationConfig {
        seed: args.seed.unwrap_or(default.seed),
        accounts: args.accounts.unwrap_or(default.accounts),
        regions: args.regions.unwrap_or(default.regions),
        rules: args.rules.unwrap_or(default.rules),
        resources: args.resources.unwrap_or(default.resources),
        ..default
    }
}

/// The organization with the faults asked for. They are no part of the description: what they leave is the same data,
/// or a scope that is missing and says so.
fn faulty(organization: Organization, args: &SimulationArgs) -> Organization {
    match &args.faults {
        Some(faults) => organization.with_faults(faults.clone(), config(args).seed),
        None => organization,
    }
}

fn world(config: SimulationConfig) -> Result<Organization, CliError> {
    let failed = |error: CatalogueError| CliError::Step {
        stage: "simulation",
        code: "Simulation.Catalogue".to_owned(),
        message: crate::error::chain(&error),
    };
    World::new(config).map(Organization::from).map_err(failed)
}

fn start(organization: Organization, port: u16, at: Timestamp) -> Result<Server, CliError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Server::start(organization, address, at).map_err(|source| CliError::Listen { port, source })
}

#[allow(
    clippy::disallowed_methods,
    reason = "the recorded file is read once, at the edge"
)]
fn recorded(file: &Path, rule_inventory: bool) -> Result<Recorded, CliError> {
    let remedy = "give the path of a recorded account, as crates/simulated-org/recorded holds";
    let unreadable = |source| CliError::Unreadable {
        file: file.to_owned(),
        remedy,
        source,
    };
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    Recorded::from_json(&text, rule_inventory).map_err(|error| unreadable(std::io::Error::other(error)))
}
