//! The one door through which Rust's errors become Python's.

use host::link::LinkError;
use pyo3::PyErr;
use pyo3::exceptions::{PyEOFError, PyOSError, PyOverflowError, PyRuntimeError, PyValueError};

/// `EOFError`: the controller is gone; `OSError`: the socket failed; `ValueError`: what came is no message;
/// `OverflowError`: what was to go is too long; `RuntimeError`: a fork of a worker tried to speak for it.
pub(crate) fn link_error(error: LinkError) -> PyErr {
    match error {
        LinkError::Closed => PyEOFError::new_err(error.to_string()),
        LinkError::Io(source) => PyOSError::new_err((source.raw_os_error(), source.to_string())),
        LinkError::Wire(source) => PyValueError::new_err(source.to_string()),
        LinkError::TooLong(_) => PyOverflowError::new_err(error.to_string()),
        LinkError::Forked => PyRuntimeError::new_err(error.to_string()),
    }
}
