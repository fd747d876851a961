//! Nothing but dependencies: selected beside whatever is built for this machine, it gives third-party crates the features
//! that the whole workspace asks for, so that tests, simulation, local stack and its functions share one build of them.
//! A released function is built alone, without this, and has the features that it asks for itself.
