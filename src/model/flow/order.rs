//! The order that `depends_on` gives the steps of a flow, as a graph over step indexes. Nothing here recurses, so a
//! chain of ten thousand steps is not a problem.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Flow;

/// Which step waits for which.
#[derive(Debug)]
pub struct StepGraph {
    /// For each step the steps that it waits for, each once; names that are no step, and itself, left out.
    needs: Vec<BTreeSet<usize>>,
    /// Steps that wait for themselves, or for a name that is not a step.
    never_start: Vec<usize>,
}

impl Flow {
    /// The graph of its steps. Of steps with the same name the first one is meant.
    #[must_use]
    pub fn graph(&self) -> StepGraph {
        let mut index: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, step) in self.steps.iter().enumerate() {
            index.entry(step.name.value.as_str()).or_insert(at);
        }
        let known = |name: &String| index.get(name.as_str()).copied();
        let needs_of = |(at, step): (usize, &super::Step)| {
            step.depends_on.iter().filter_map(|name| known(&name.value)).filter(|other| *other != at).collect()
        };
        let never = |step: &super::Step| {
            step.depends_on.iter().any(|on| on.value == step.name.value || known(&on.value).is_none())
        };
        StepGraph {
            needs: self.steps.iter().enumerate().map(needs_of).collect(),
            never_start: self.steps.iter().enumerate().filter(|(_, step)| never(step)).map(|(at, _)| at).collect(),
        }
    }
}

impl StepGraph {
    /// A graph of other things than steps: what each needs, by number.
    #[must_use]
    pub fn of(needs: Vec<BTreeSet<usize>>) -> Self {
        Self { needs, never_start: Vec::new() }
    }

    /// The steps that a step waits for.
    pub fn needs(&self, step: usize) -> impl Iterator<Item = usize> {
        self.needs.get(step).into_iter().flatten().copied()
    }

    /// Steps that wait for themselves, or for a name that is not a step, in order.
    pub fn never_start(&self) -> impl Iterator<Item = usize> {
        self.never_start.iter().copied()
    }

    /// The steps that wait for each step.
    fn needed_by(&self) -> Vec<Vec<usize>> {
        let mut result = vec![Vec::new(); self.needs.len()];
        for (at, needs) in self.needs.iter().enumerate() {
            for other in needs {
                if let Some(list) = result.get_mut(*other) {
                    list.push(at);
                }
            }
        }
        result
    }

    /// The steps in an order in which each comes after what it waits for; steps that wait for a cycle are left out.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let needed_by = self.needed_by();
        let mut open: Vec<usize> = self.needs.iter().map(BTreeSet::len).collect();
        let mut order: Vec<usize> = open.iter().enumerate().filter(|(_, n)| **n == 0).map(|(at, _)| at).collect();
        let mut next = 0;
        while let Some(done) = order.get(next).copied() {
            next += 1;
            for waiting in needed_by.get(done).into_iter().flatten() {
                if let Some(count) = open.get_mut(*waiting) {
                    *count -= 1;
                    if *count == 0 {
                        order.push(*waiting);
                    }
                }
            }
        }
        order
    }

    /// All steps that wait, directly or through others, for any of these; these themselves included.
    #[must_use]
    pub fn behind(&self, roots: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let needed_by = self.needed_by();
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut queue: Vec<usize> = roots.into_iter().collect();
        while let Some(step) = queue.pop() {
            if found.insert(step) {
                queue.extend(needed_by.get(step).into_iter().flatten());
            }
        }
        found
    }

    /// All steps that a step waits for, directly or through others; itself included.
    #[must_use]
    pub fn before(&self, step: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut queue = vec![step];
        while let Some(step) = queue.pop() {
            if found.insert(step) {
                queue.extend(self.needs(step));
            }
        }
        found
    }

    /// The groups of steps that all wait for each other, each sorted, in the order of their first steps.
    #[must_use]
    pub fn knots(&self) -> Vec<BTreeSet<usize>> {
        if self.order().len() == self.needs.len() {
            return Vec::new();
        }
        // Kosaraju: finish order along `needs`, then components along `needed_by`, latest finished first.
        let mut seen = vec![false; self.needs.len()];
        let mut finished = Vec::with_capacity(self.needs.len());
        for start in 0..self.needs.len() {
            let mut path = vec![(start, false)];
            while let Some((step, done)) = path.pop() {
                if done {
                    finished.push(step);
                } else if let Some(mark @ false) = seen.get_mut(step) {
                    *mark = true;
                    path.push((step, true));
                    path.extend(self.needs(step).map(|next| (next, false)));
                }
            }
        }
        let needed_by = self.needed_by();
        let mut assigned = vec![false; self.needs.len()];
        let mut knots = Vec::new();
        for start in finished.into_iter().rev() {
            let mut knot = BTreeSet::new();
            let mut queue = vec![start];
            while let Some(step) = queue.pop() {
                if let Some(mark @ false) = assigned.get_mut(step) {
                    *mark = true;
                    knot.insert(step);
                    queue.extend(needed_by.get(step).into_iter().flatten());
                }
            }
            if knot.len() > 1 {
                knots.push(knot);
            }
        }
        knots.sort();
        knots
    }

    /// A shortest cycle through the first step of a knot: each step waits for the next, the last one for the first.
    #[must_use]
    pub fn cycle(&self, knot: &BTreeSet<usize>) -> Vec<usize> {
        let Some(start) = knot.first().copied() else { return Vec::new() };
        let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(step) = queue.pop_front() {
            for next in self.needs(step).filter(|next| knot.contains(next)) {
                if next == start {
                    let mut cycle: Vec<usize> =
                        std::iter::successors(Some(step), |at| came_from.get(at).copied()).collect();
                    cycle.reverse();
                    return cycle;
                }
                if let Entry::Vacant(entry) = came_from.entry(next) {
                    entry.insert(step);
                    queue.push_back(next);
                }
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(needs: &[&[usize]]) -> StepGraph {
        StepGraph { needs: needs.iter().map(|list| list.iter().copied().collect()).collect(), never_start: Vec::new() }
    }

    #[test]
    fn an_order_exists_without_cycles() {
        let graph = graph(&[&[1, 2], &[2], &[]]);
        assert_eq!(graph.order(), [2, 1, 0]);
        assert_eq!(graph.before(1), BTreeSet::from([1, 2]));
        assert_eq!(graph.behind([1]), BTreeSet::from([0, 1]));
        assert!(graph.knots().is_empty());
    }

    #[test]
    fn cycles_are_found_whole_and_once() {
        // 0 → 1 → 2 → 0 with the shortcut 1 → 0, 3 waits for the knot, 4 and 5 for each other.
        let graph = graph(&[&[1], &[2, 0], &[0], &[2], &[5], &[4]]);
        let knots = graph.knots();
        assert_eq!(knots, [BTreeSet::from([0, 1, 2]), BTreeSet::from([4, 5])]);
        assert_eq!(knots.iter().map(|knot| graph.cycle(knot)).collect::<Vec<_>>(), [vec![0, 1], vec![4, 5]]);
        assert_eq!(graph.behind([0]), BTreeSet::from([0, 1, 2, 3]));
        assert!(graph.order().is_empty());
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_steps() {
        let needs: Vec<Vec<usize>> = (0..100_000).map(|at| if at == 0 { vec![] } else { vec![at - 1] }).collect();
        let graph = StepGraph {
            needs: needs.into_iter().map(|list| list.into_iter().collect()).collect(),
            never_start: Vec::new(),
        };
        assert_eq!(graph.order().len(), 100_000);
        assert!(graph.knots().is_empty());
    }
}
