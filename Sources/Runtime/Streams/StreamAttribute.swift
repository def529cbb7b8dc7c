/// A property that only some streams have, returned by ``ByteStream/attribute(_:)``.
///
/// Conform a type to make it an attribute, and return it from your stream:
///
/// ```swift
/// struct NegotiatedProtocol: StreamAttribute { var name: String }
///
/// func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
///   negotiated as? Attribute ?? base.attribute(type)
/// }
/// ```
public protocol StreamAttribute: Sendable {}
