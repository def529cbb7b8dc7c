/// The place in a program where a task is started.
@frozen
public struct CallSite: @unchecked Sendable {  // The pointer is to a constant of the program.
  @usableFromInline let file: UnsafePointer<UInt8>
  @usableFromInline let fileLength: UInt32
  /// The number of the line, from 1 on.
  public let line: UInt32

  /// The place at `line` of the file with that `#fileID`.
  @inlinable
  public init(fileID: StaticString, line: UInt32) {
    // A literal of several characters, as a `#fileID` is, has a pointer.
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
  /// As in `RuntimeHTTP/Server.swift:330`.
  public var description: String { "\(fileID):\(line)" }
}
