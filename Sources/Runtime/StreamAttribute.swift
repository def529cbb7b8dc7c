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

/// The process at the other end of a Unix-domain connection, as the system knows it (`SO_PEERCRED`): it cannot be forged.
///
/// It is the process that connected, or that began to listen, and may have passed its end on since.
public struct PeerCredentials: StreamAttribute, Hashable {
  /// The process.
  public var processID: Int32
  /// The user whose rights it had.
  public var userID: UInt32
  /// The group whose rights it had.
  public var groupID: UInt32

  /// These credentials.
  public init(processID: Int32, userID: UInt32, groupID: UInt32) {
    self.processID = processID
    self.userID = userID
    self.groupID = groupID
  }
}
