//! Whole runs, played in an in-memory world of workers that obeys the protocol, on a virtual clock.

mod chance;
mod deadlines;
mod debuggers;
mod facts;
mod hand;
mod hostile;
mod makespan;
mod missing;
mod monitor;
mod process;
mod properties;
mod suites;
mod suspects;
mod turnover;
mod weather;
mod world;
