/// The settings that the ends of a connection send each other (RFC 9113 section 6.5).
package enum Settings {
  package static var entrySize: Int { 6 }

  /// The name of a setting (RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1). Unknown ones are
  /// ignored.
  package struct Name: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    static var headerTableSize: Name { Name(rawValue: 0x1) }
    static var enablePush: Name { Name(rawValue: 0x2) }
    static var maximumConcurrentStreams: Name { Name(rawValue: 0x3) }
    static var initialWindowSize: Name { Name(rawValue: 0x4) }
    static var maximumFrameSize: Name { Name(rawValue: 0x5) }
    static var maximumHeaderListSize: Name { Name(rawValue: 0x6) }
    static var enableConnectProtocol: Name { Name(rawValue: 0x8) }
    static var noRFC7540Priorities: Name { Name(rawValue: 0x9) }
  }

  package struct Entry: Hashable, Sendable {
    package var name: Name
    package var value: UInt32

    package init(name: Name, value: UInt32) { (self.name, self.value) = (name, value) }
  }

  /// Returns the setting that begins at `start` of a frame's payload.
  package static func entry(_ input: Span<UInt8>, at start: Int) -> Entry {
    Entry(
      name: Name(rawValue: UInt16(input[start]) << 8 | UInt16(input[start + 1])),
      value: input.bigEndianWord(at: start + 2))
  }
}

/// The settings of a peer, with their defaults.
package struct PeerSettings: Hashable, Sendable {
  package var headerTableSize = 4096
  package var initialWindowSize = FlowControl.initialWindow
  package var maximumFrameSize = 16_384

  package init() {}

  /// Applies one setting.
  package mutating func apply(_ entry: Settings.Entry) throws(HTTP2Error) {
    switch entry.name {
    case .headerTableSize: headerTableSize = Int(entry.value)
    case .enablePush:
      guard entry.value <= 1 else { throw .protocolError("SETTINGS_ENABLE_PUSH is neither 0 nor 1.") }
    case .initialWindowSize:
      guard entry.value <= FlowControl.largestWindow else {
        throw .connection(.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE exceeds the largest window.")
      }
      initialWindowSize = Int(entry.value)
    case .maximumFrameSize:
      guard 16_384...16_777_215 ~= entry.value else {
        throw .protocolError("SETTINGS_MAX_FRAME_SIZE is out of range.")
      }
      maximumFrameSize = Int(entry.value)
    case .noRFC7540Priorities:
      guard entry.value <= 1 else { throw .protocolError("SETTINGS_NO_RFC7540_PRIORITIES is neither 0 nor 1.") }
    default: break
    }
  }
}
