//! What can stop a model from being differentiated, each naming what the user holds.

/// Why a model could not be read or differentiated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no ONNX model.
    #[error("not an ONNX model: {message}")]
    Decode {
        /// What the decoder said.
        message: String,
    },
    /// The model breaks a rule of ONNX, or one of this crate's bounds against hostile input.
    #[error("the model is malformed: {message}")]
    Malformed {
        /// Which rule, at which name.
        message: String,
    },
    /// A tensor keeps its data in another file.
    #[error(
        "tensor `{name}` keeps its data in the external file `{location}`: embed the data first (onnx.load, then onnx.save without external data)"
    )]
    ExternalData {
        /// The tensor's name.
        name: String,
        /// The file named in the model.
        location: String,
    },
    /// The model uses an operator of another domain.
    #[error(
        "node `{node}` uses operator `{op}` of the domain `{domain}`: only standard operators and the model's own functions can be differentiated"
    )]
    Domain {
        /// The node's name.
        node: String,
        /// The operator.
        op: String,
        /// Its domain.
        domain: String,
    },
    /// The operator set is too old or too new.
    #[error("operator set {found} is outside {first}..={last}: export the model with one in between")]
    Opset {
        /// The model's.
        found: i64,
        /// The oldest read.
        first: i64,
        /// The newest read.
        last: i64,
    },
    /// No such operator in the registry.
    #[error("no rule for operator `{op}` (opset {opset}), needed by node `{node}`")]
    UnknownOperator {
        /// The operator.
        op: String,
        /// The model's operator set.
        opset: i64,
        /// The node's name.
        node: String,
    },
    /// The operator exists, but has no gradient and one is needed.
    #[error("no gradient rule for operator `{op}` (opset {opset}), needed by node `{node}`")]
    NoGradient {
        /// The operator.
        op: String,
        /// The model's operator set.
        opset: i64,
        /// The node's name.
        node: String,
    },
    /// A form of an operator that its rule does not cover, or inputs that do not fit it.
    #[error("operator `{op}`, node `{node}`: {message}")]
    Node {
        /// The operator.
        op: String,
        /// The node's name.
        node: String,
        /// What is wrong, with shapes.
        message: String,
    },
    /// A shape option names no input, or contradicts the model.
    #[error("shape of `{input}`: {message}")]
    Shape {
        /// The input named.
        input: String,
        /// What is wrong.
        message: String,
    },
    /// The output to differentiate is missing or cannot carry the loss.
    #[error("output `{output}`: {message}")]
    Output {
        /// The output's name.
        output: String,
        /// What is wrong.
        message: String,
    },
    /// No float input (or parameter) reaches the output.
    #[error("output `{output}` does not depend on any float input through differentiable operators")]
    NoPath {
        /// The output's name.
        output: String,
    },
}

impl Error {
    pub(crate) fn malformed(message: impl Into<String>) -> Error {
        Error::Malformed { message: message.into() }
    }
}
