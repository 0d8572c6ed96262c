//! Python values in the tagged encoding of `engine::wire::value`.

use engine::wire::WireError;
use engine::wire::value::{Builder, Encoder, MAX_DEPTH, MAX_VALUES, Sequence};
use pyo3::PyTypeInfo;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple};

/// Encodes a value. What has no encoding becomes its `repr`; the dict keys under which that happened are returned.
pub(crate) fn encode(value: &Bound<'_, PyAny>, buffer: &mut Vec<u8>) -> PyResult<Vec<String>> {
    let mut writer =
        Writer { encoder: Encoder(buffer), left: MAX_VALUES - 1, key: String::new(), degraded: Vec::new() };
    writer.value(value, 0)?;
    Ok(writer.degraded)
}

/// Decodes a value that takes up all of `bytes`.
pub(crate) fn decode<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    engine::wire::value::decode(bytes, &mut PyBuilder { py }).map_err(|BuildError(error)| error)
}

struct Writer<'a> {
    encoder: Encoder<'a>,
    /// How many more values may be written.
    left: usize,
    /// The nearest dict key around the value, to name what degraded.
    key: String,
    degraded: Vec<String>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
        if depth == MAX_DEPTH {
            return self.degrade(value);
        }
        if let Ok(text) = value.cast_exact::<PyString>() {
            self.text(text)
        } else if let Ok(number) = value.cast_exact::<PyFloat>() {
            self.encoder.float(number.value());
            Ok(())
        } else if value.is_none() {
            self.encoder.none();
            Ok(())
        } else if let Ok(flag) = value.cast_exact::<PyBool>() {
            self.encoder.bool(flag.is_true());
            Ok(())
        } else if let Ok(number) = value.cast_exact::<PyInt>() {
            self.int(number)
        } else if let Ok(items) = value.cast_exact::<PyTuple>() {
            self.items(value, Sequence::Tuple, items.len(), items.iter(), depth)
        } else if let Ok(items) = value.cast_exact::<PyList>() {
            self.items(value, Sequence::List, items.len(), items.iter(), depth)
        } else if let Ok(items) = value.cast_exact::<PyDict>() {
            self.dict(items, depth)
        } else {
            self.rarer(value, depth)
        }
    }

    fn rarer(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
        if let Ok(bytes) = value.cast_exact::<PyBytes>() {
            self.encoder.bytes(bytes.as_bytes());
            Ok(())
        } else if let Ok(items) = value.cast_exact::<PySet>() {
            self.items(value, Sequence::Set, items.len(), items.iter(), depth)
        } else if let Ok(items) = value.cast_exact::<PyFrozenSet>() {
            self.items(value, Sequence::FrozenSet, items.len(), items.iter(), depth)
        } else if let Ok(text) = value.cast::<PyString>() {
            self.text(text)
        } else if let Ok(number) = value.cast::<PyFloat>() {
            self.encoder.float(number.value());
            Ok(())
        } else if let Ok(number) = value.cast::<PyInt>() {
            self.int(number)
        } else {
            self.degrade(value)
        }
    }

    fn text(&mut self, text: &Bound<'_, PyString>) -> PyResult<()> {
        if let Ok(text) = text.to_str() {
            self.encoder.text(text);
        } else {
            // Lone surrogates, as `os.fsdecode` makes of names that are not UTF-8.
            let bytes = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
            self.encoder.surrogates(bytes.cast::<PyBytes>()?.as_bytes());
        }
        Ok(())
    }

    fn int(&mut self, number: &Bound<'_, PyInt>) -> PyResult<()> {
        if let Ok(number) = number.extract::<i64>() {
            self.encoder.int(number);
            return Ok(());
        }
        match PyInt::type_object(number.py()).call_method1("__repr__", (number,)) {
            Ok(decimal) => {
                self.encoder.big_int(decimal.cast::<PyString>()?.to_str()?);
                Ok(())
            }
            // Longer than Python itself is willing to print.
            Err(_) => self.degrade(number),
        }
    }

    fn items<'py>(
        &mut self,
        whole: &Bound<'py, PyAny>,
        kind: Sequence,
        count: usize,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        depth: usize,
    ) -> PyResult<()> {
        if !self.has_room_for(count) {
            return self.degrade(whole);
        }
        // The count is written first, so what a `repr` adds to the list meanwhile is left out.
        self.encoder.sequence(kind, count);
        let mut written = 0;
        for item in items.take(count) {
            self.value(&item, depth + 1)?;
            written += 1;
        }
        (written..count).for_each(|_| self.encoder.none());
        Ok(())
    }

    fn dict(&mut self, items: &Bound<'_, PyDict>, depth: usize) -> PyResult<()> {
        // A copy, because a `repr` below may change the dict.
        let pairs: Vec<_> = items.iter().collect();
        if !self.has_room_for(2 * pairs.len()) {
            return self.degrade(items);
        }
        self.encoder.dict(pairs.len());
        let outer = std::mem::take(&mut self.key);
        for (key, value) in pairs {
            self.value(&key, depth + 1)?;
            self.key.clear();
            if let Ok(name) = key.cast::<PyString>() {
                self.key.push_str(&name.to_string_lossy());
            }
            self.value(&value, depth + 1)?;
        }
        self.key = outer;
        Ok(())
    }

    fn has_room_for(&mut self, count: usize) -> bool {
        let left = self.left.checked_sub(count);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    fn degrade(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if !self.degraded.contains(&self.key) {
            self.degraded.push(self.key.clone());
        }
        if let Ok(text) = value.repr() {
            return self.text(&text);
        }
        let name = value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        self.encoder.text(&format!("<{name} whose repr fails>"));
        Ok(())
    }
}

struct PyBuilder<'py> {
    py: Python<'py>,
}

struct BuildError(PyErr);

impl From<WireError> for BuildError {
    fn from(error: WireError) -> Self {
        Self(PyValueError::new_err(error.to_string()))
    }
}

impl From<PyErr> for BuildError {
    fn from(error: PyErr) -> Self {
        Self(error)
    }
}

impl<'py> Builder for PyBuilder<'py> {
    type Value = Bound<'py, PyAny>;
    type Error = BuildError;

    fn none(&mut self) -> Result<Self::Value, BuildError> {
        Ok(self.py.None().into_bound(self.py))
    }

    fn bool(&mut self, value: bool) -> Result<Self::Value, BuildError> {
        Ok(PyBool::new(self.py, value).to_owned().into_any())
    }

    fn int(&mut self, value: i64) -> Result<Self::Value, BuildError> {
        Ok(PyInt::new(self.py, value).into_any())
    }

    fn big_int(&mut self, decimal: &str) -> Result<Self::Value, BuildError> {
        Ok(PyInt::type_object(self.py).call1((decimal,))?)
    }

    fn float(&mut self, value: f64) -> Result<Self::Value, BuildError> {
        Ok(PyFloat::new(self.py, value).into_any())
    }

    fn text(&mut self, value: &str) -> Result<Self::Value, BuildError> {
        Ok(PyString::new(self.py, value).into_any())
    }

    fn surrogates(&mut self, value: &[u8]) -> Result<Self::Value, BuildError> {
        Ok(PyBytes::new(self.py, value).call_method1("decode", ("utf-8", "surrogatepass"))?)
    }

    fn bytes(&mut self, value: &[u8]) -> Result<Self::Value, BuildError> {
        Ok(PyBytes::new(self.py, value).into_any())
    }

    fn sequence(&mut self, kind: Sequence, items: Vec<Self::Value>) -> Result<Self::Value, BuildError> {
        Ok(match kind {
            Sequence::List => PyList::new(self.py, items)?.into_any(),
            Sequence::Tuple => PyTuple::new(self.py, items)?.into_any(),
            Sequence::Set => PySet::new(self.py, items)?.into_any(),
            Sequence::FrozenSet => PyFrozenSet::new(self.py, items)?.into_any(),
        })
    }

    fn dict(&mut self, items: Vec<(Self::Value, Self::Value)>) -> Result<Self::Value, BuildError> {
        let dict = PyDict::new(self.py);
        for (key, value) in items {
            dict.set_item(key, value)?;
        }
        Ok(dict.into_any())
    }
}
