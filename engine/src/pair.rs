//! One value for each of the two roles.

use serde::{Deserialize, Serialize};

use crate::name::{InfrastructureName, Role};

/// A value for each of the two roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair<T> {
    /// Production's.
    pub production: T,
    /// The hot standby's.
    pub hot_standby: T,
}

impl<T> Pair<T> {
    /// The value of `role`.
    pub fn get(&self, role: Role) -> &T {
        match role {
            Role::Production => &self.production,
            Role::HotStandby => &self.hot_standby,
        }
    }

    /// The pair with the roles exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            production: self.hot_standby,
            hot_standby: self.production,
        }
    }

    /// Both values with their roles, production first.
    pub fn iter(&self) -> impl Iterator<Item = (Role, &T)> {
        [
            (Role::Production, &self.production),
            (Role::HotStandby, &self.hot_standby),
        ]
        .into_iter()
    }
}

impl<T: PartialEq> Pair<T> {
    /// The role whose value is `value`.
    pub fn role_of(&self, value: &T) -> Option<Role> {
        self.iter().find(|(_, v)| *v == value).map(|(role, _)| role)
    }
}

/// Which infrastructure has which role.
pub type Arrangement = Pair<InfrastructureName>;
