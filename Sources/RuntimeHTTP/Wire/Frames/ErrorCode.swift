/// The reason for ending a stream or a connection (RFC 9113 section 7). An unknown code is treated like INTERNAL_ERROR.
package struct ErrorCode: RawRepresentable, Hashable, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  static let none = ErrorCode(rawValue: 0x0)
  static let protocolError = ErrorCode(rawValue: 0x1)
  static let internalError = ErrorCode(rawValue: 0x2)
  static let flowControlError = ErrorCode(rawValue: 0x3)
  static let settingsTimeout = ErrorCode(rawValue: 0x4)
  static let streamClosed = ErrorCode(rawValue: 0x5)
  static let frameSizeError = ErrorCode(rawValue: 0x6)
  static let refusedStream = ErrorCode(rawValue: 0x7)
  static let cancel = ErrorCode(rawValue: 0x8)
  static let compressionError = ErrorCode(rawValue: 0x9)
  static let connectError = ErrorCode(rawValue: 0xA)
  static let enhanceYourCalm = ErrorCode(rawValue: 0xB)
  static let inadequateSecurity = ErrorCode(rawValue: 0xC)
  static let http11Required = ErrorCode(rawValue: 0xD)
}
