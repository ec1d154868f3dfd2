//! What the step needs of the world.

use compliance::ports::{AlertStarter, Clock, DeadLetters, EventTable, Timer};

/// What the step needs of the world.
pub trait Ports: Sync {
    /// Where events are kept.
    type Table: EventTable;
    /// Where messages go that cannot be worked on.
    type Letters: DeadLetters;
    /// What tells alerts.
    type Alerts: AlertStarter;
    /// The time, and waiting for it.
    type Time: Clock + Timer;

    /// Where events are kept.
    fn table(&self) -> &Self::Table;
    /// Where messages go that cannot be worked on.
    fn letters(&self) -> &Self::Letters;
    /// What tells alerts.
    fn alerts(&self) -> &Self::Alerts;
    /// The time.
    fn time(&self) -> &Self::Time;
}

/// Ports wired from adapters: what the function serves the step with.
#[derive(Debug)]
pub struct Wired<'a, E, D, A, T> {
    /// See [`Ports::table`].
    pub table: &'a E,
    /// See [`Ports::letters`].
    pub letters: &'a D,
    /// See [`Ports::alerts`].
    pub alerts: &'a A,
    /// See [`Ports::time`].
    pub time: &'a T,
}

impl<E: EventTable, D: DeadLetters, A: AlertStarter, T: Clock + Timer> Ports for Wired<'_, E, D, A, T> {
    type Table = E;
    type Letters = D;
    type Alerts = A;
    type Time = T;

    fn table(&self) -> &E {
        self.table
    }
    fn letters(&self) -> &D {
        self.letters
    }
    fn alerts(&self) -> &A {
        self.alerts
    }
    fn time(&self) -> &T {
        self.time
    }
}
