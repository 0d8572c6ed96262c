//! How often workers may be replaced.

/// The budget for replacements over the whole run.
#[derive(Clone, Debug)]
pub(crate) struct Restarts {
    spent: u32,
    allowed: u32,
}

impl Restarts {
    pub(crate) fn new(allowed: u32) -> Self {
        Self { spent: 0, allowed }
    }

    /// Take one replacement out of the budget; `false` if none is left.
    pub(crate) fn spend(&mut self) -> bool {
        let granted = self.spent < self.allowed;
        self.spent += u32::from(granted);
        granted
    }

    pub(crate) fn spent(&self) -> u32 {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_grants_as_many_as_allowed() {
        let mut restarts = Restarts::new(2);
        assert_eq!([restarts.spend(), restarts.spend(), restarts.spend()], [true, true, false]);
        assert_eq!(restarts.spent(), 2);
    }
}
