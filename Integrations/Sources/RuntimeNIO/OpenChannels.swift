import RuntimePrimitives

/// What a runtime has to close when it is shut down.
final class OpenChannels: Sendable {
  /// A channel, by what closes it.
  protocol Member: AnyObject, Sendable {
    func close()
  }

  private let state = Lock((isClosed: false, members: [ObjectIdentifier: any Member]()))

  var isClosed: Bool { state.withLock(\.isClosed) }

  /// Notes `member`; closes it if the runtime is shut down already.
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

  /// Forgets `member`, which is closed.
  func remove(_ member: some Member) {
    _ = state.withLock { $0.members.removeValue(forKey: ObjectIdentifier(member)) }
  }

  /// Closes all, and whatever comes later.
  func close() {
    let members = state.withLock { state in
      state.isClosed = true
      return exchange(&state.members, with: [:])
    }
    for member in members.values { member.close() }
  }
}
