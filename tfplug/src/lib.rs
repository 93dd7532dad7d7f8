//! tfplug
