//! The functions of the interfaces that a component imports and exports, from the types that the validator worked out.
//!
//! Invariant: no function is left out: a component that has more than [`MAX_FUNCTIONS_NAMED`] of them is refused.

use wasmparser::{component_types::ComponentEntityType, types::TypesRef};

use super::InspectError;

/// The most functions that all imported interfaces have together; the same for the exported ones.
pub const MAX_FUNCTIONS_NAMED: usize = 5_000;

/// The deepest nest of interfaces in an interface.
const MAX_DEPTH: usize = 16;

/// Names of functions, and how many more there may be.
pub(super) struct Functions<'a> {
    types: TypesRef<'a>,
    left: usize,
}

impl<'a> Functions<'a> {
    pub(super) fn new(types: TypesRef<'a>) -> Self {
        Self { types, left: MAX_FUNCTIONS_NAMED }
    }

    /// The functions of what is imported under this name; none where that is no interface.
    pub(super) fn of_import(&mut self, name: &str) -> Result<Vec<String>, InspectError> {
        let item = self.types.component_item_for_import(name).map(|item| item.ty);
        self.of(item)
    }

    /// The functions of what is exported under this name; none where that is no interface.
    pub(super) fn of_export(&mut self, name: &str) -> Result<Vec<String>, InspectError> {
        let item = self.types.component_item_for_export(name).map(|item| item.ty);
        self.of(item)
    }

    fn of(&mut self, item: Option<ComponentEntityType>) -> Result<Vec<String>, InspectError> {
        let mut names = Vec::new();
        if let Some(item @ ComponentEntityType::Instance(_)) = item {
            self.collect("", item, 0, &mut names)?;
        }
        names.sort();
        Ok(names)
    }

    /// Types count against the bound as well: whatever is looked at is bounded.
    fn collect(
        &mut self,
        prefix: &str,
        item: ComponentEntityType,
        depth: usize,
        names: &mut Vec<String>,
    ) -> Result<(), InspectError> {
        let ComponentEntityType::Instance(id) = item else { return Ok(()) };
        let types = self.types;
        let exports = &types[id].exports;
        self.left = self.left.checked_sub(exports.len()).ok_or(InspectError::TooManyImports)?;
        if depth > MAX_DEPTH {
            return Err(InspectError::TooManyImports);
        }
        for (name, export) in exports {
            match export.ty {
                ComponentEntityType::Func(_) => names.push(format!("{prefix}{name}")),
                nested @ ComponentEntityType::Instance(_) => {
                    self.collect(&format!("{prefix}{name}/"), nested, depth + 1, names)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
