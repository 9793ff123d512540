//! The rules of this repository, as checks of `ci` and as tests: dependencies, budgets, artifacts, layers of modules, documents.

#[cfg(test)]
mod architecture;
pub(crate) mod artifact_checks;
pub(crate) mod budgets;
pub(crate) mod dependencies;
#[cfg(test)]
mod documents;
pub(crate) mod function_order;
#[cfg(test)]
pub(crate) mod tidy;
