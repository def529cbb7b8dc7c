/// The credentials of the process at the other end of a Unix-domain connection, as recorded by the kernel
/// (`SO_PEERCRED`). They cannot be forged.
///
/// They describe the process that connected or called `listen`. It may have passed its end to another process since.
public struct PeerCredentials: StreamAttribute, Hashable {
  /// The process identifier.
  public var processID: Int32
  /// The effective user identifier.
  public var userID: UInt32
  /// The effective group identifier.
  public var groupID: UInt32

  /// Creates credentials with these values.
  public init(processID: Int32, userID: UInt32, groupID: UInt32) {
    self.processID = processID
    self.userID = userID
    self.groupID = groupID
  }
}
