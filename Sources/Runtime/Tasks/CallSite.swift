/// The source location where a task is started.
@frozen
public struct CallSite: @unchecked Sendable {  // The pointer refers to a string literal.
  @usableFromInline let file: UnsafePointer<UInt8>
  @usableFromInline let fileLength: UInt32
  /// The line number, from 1.
  public let line: UInt32

  /// Creates the location at `line` of the file with that `#fileID`.
  @inlinable
  public init(fileID: StaticString, line: UInt32) {
    // A `#fileID` has several characters, and such a literal has a pointer.
    let text: StaticString = fileID.hasPointerRepresentation ? fileID : "?"
    file = text.utf8Start
    fileLength = UInt32(truncatingIfNeeded: text.utf8CodeUnitCount)
    self.line = line
  }

  /// The file, as in `#fileID`: `RuntimeHTTP/Server.swift`.
  public var fileID: String {
    String(decoding: UnsafeBufferPointer(start: file, count: Int(fileLength)), as: UTF8.self)
  }
}

extension CallSite: Equatable {
  public static func == (a: CallSite, b: CallSite) -> Bool { a.line == b.line && a.fileID == b.fileID }
}

extension CallSite: CustomStringConvertible {
  /// A description such as `RuntimeHTTP/Server.swift:330`.
  public var description: String { "\(fileID):\(line)" }
}
