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
