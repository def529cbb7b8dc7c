/// Something that only some streams know of themselves, as ``ByteStream/attribute(_:)`` gives it.
///
/// A type of yours becomes an attribute by saying so, and a stream of yours knows it by giving it:
///
/// ```swift
/// struct NegotiatedProtocol: StreamAttribute { var name: String }
///
/// func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
///   negotiated as? Attribute ?? base.attribute(type)
/// }
/// ```
public protocol StreamAttribute: Sendable {}
