import RuntimePrimitives

/// The open channels that a runtime closes at shutdown.
final class OpenChannels: Sendable {
  /// An object that closes a channel.
  protocol Member: AnyObject, Sendable {
    func close()
  }

  private let state = Lock((isClosed: false, members: [ObjectIdentifier: any Member]()))

  var isClosed: Bool { state.withLock(\.isClosed) }

  /// Adds `member`, or closes it if the runtime has been shut down.
  ///
  /// - Returns: whether it is open.
  func insert(_ member: some Member) -> Bool {
    let isOpen = state.withLock { state in
      if !state.isClosed { state.members[ObjectIdentifier(member)] = member }
      return !state.isClosed
    }
    if !isOpen { member.close() }
    return isOpen
  }

  /// Removes `member`, which has been closed.
  func remove(_ member: some Member) {
    _ = state.withLock { $0.members.removeValue(forKey: ObjectIdentifier(member)) }
  }

  /// Closes all members, current and later ones.
  func close() {
    let members = state.withLock { state in
      state.isClosed = true
      return exchange(&state.members, with: [:])
    }
    for member in members.values { member.close() }
  }
}
