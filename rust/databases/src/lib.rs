//! Clones: templates and clones of test databases. The room is built; its engines are not yet there.
#![forbid(unsafe_code)]

use engine::guard::DatabaseName;

/// A server that keeps databases, whichever its dialect.
///
/// The names are of a type that cannot hold anything else, and nothing is dropped without a proof of ownership, which
/// only [`Server::prove`] gives.
pub trait Server {
    /// Why something could not be done.
    type Error: std::error::Error;
    /// Evidence that a database was made by this project.
    type Proof;

    /// Makes an empty database.
    fn create(&mut self, name: &DatabaseName) -> Result<(), Self::Error>;

    /// Makes a copy of a sealed template.
    fn clone_template(&mut self, template: &DatabaseName, clone: &DatabaseName) -> Result<(), Self::Error>;

    /// Looks for the mark that this project leaves on what it makes; `None` = the database is not ours.
    fn prove(&mut self, name: &DatabaseName) -> Result<Option<Self::Proof>, Self::Error>;

    /// Drops a database that is proven to be ours.
    fn drop_database(&mut self, name: &DatabaseName, proof: Self::Proof) -> Result<(), Self::Error>;
}
