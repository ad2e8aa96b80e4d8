//! What hand-written policies leave open where too many facts would have to be tried: put to a solver.

use std::sync::{Mutex, PoisonError};

use super::access::Side;
use super::handwritten::{Loaded, vocabulary};
use crate::cedar::Error;
use crate::cedar::solver::Solver;
use crate::cedar::symbolic::{Decided, Vocabulary};
use crate::policy::fact::{MTLS, TLS};
use crate::policy::{ObjectIx, PrincipalIx};

/// Most minimal sets that are looked for.
const MOST_SETS: usize = 64;

/// A solver with the policies that it is asked about.
pub struct Oracle<'a> {
    loaded: Loaded<'a>,
    side: Side<'a>,
    words: Vocabulary,
    solver: Mutex<Solver>,
}

impl<'a> Oracle<'a> {
    /// One for a side.
    #[must_use]
    pub fn new(loaded: Loaded<'a>, side: Side<'a>, solver: Solver) -> Self {
        Self { loaded, side, words: vocabulary([side]), solver: Mutex::new(solver) }
    }

    /// The minimal sets of facts that a request with these facts lacks for an object, sorted.
    ///
    /// # Errors
    /// Where the solver does not settle it, and why.
    pub fn missing(&self, who: PrincipalIx, objects: &[ObjectIx], facts: u64) -> Result<Vec<u64>, String> {
        let [object] = objects else { return Err("a solver is asked about one object at a time".to_owned()) };
        let policy = self.side.policy;
        let failed = |error: Error| error.to_string();
        let (principal, object) = (&policy.principal_at(who).id, policy.object_at(*object));
        let decided: Decided = self.loaded.decided(principal, object).map_err(|error| error.to_string())?;
        let names = |mask: u64| policy.facts.named(mask).map(ToString::to_string).collect::<Vec<String>>();
        let mask =
            |held: &[String]| held.iter().filter_map(|fact| policy.facts.mask(fact)).fold(0, |all, bit| all | bit);
        let held = names(policy.facts.closed(facts));
        let mut solver = self.solver.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut blocked) = (Vec::new(), Vec::new());
        while found.len() < MOST_SETS {
            let all = (held.as_slice(), self.words.facts.as_slice());
            let Some(mut smallest) = solver.allowed(&self.words, &decided, all, &blocked).map_err(failed)? else {
                found.sort_unstable();
                return Ok(found);
            };
            loop {
                let mut smaller = blocked.clone();
                smaller.push(smallest.clone());
                let within = (held.as_slice(), smallest.as_slice());
                match solver.allowed(&self.words, &decided, within, &smaller).map_err(failed)? {
                    Some(fewer) => smallest = fewer,
                    None => break,
                }
            }
            blocked.push(smallest.clone());
            let mtls = smallest.iter().any(|fact| fact == MTLS);
            smallest.retain(|fact| !(mtls && fact == TLS));
            found.push(mask(&smallest) & !facts);
        }
        Err(format!("there are more than {MOST_SETS} smallest sets of facts"))
    }
}
