import Glibc
import Runtime

/// Expects `seen` to equal `expected`.
func expect<Value: Equatable>(
  _ subject: String, _ seen: Value, is expected: Value, file: StaticString = #fileID, line: UInt = #line
) throws {
  guard !isSame(seen, expected) else { return }
  var words = spelling(seen)
  if let seen = bytes(seen), let expected = bytes(expected), seen.count > 40,
    let place = zip(seen, expected).enumerated().first(where: { $1.0 != $1.1 })?.offset
  {
    words += ", the first difference at index \(place)"
  }
  throw Finding(subject, expected: spelling(expected), seen: words, at: "\(file):\(line)")
}

/// Expects `condition` to be true. `expected` describes it in words.
func expect(
  _ subject: String, toBe expected: String, _ condition: Bool, saw seen: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) throws {
  guard !condition else { return }
  throw Finding(subject, expected: expected, seen: seen(), at: "\(file):\(line)")
}

/// Expects `body` to end and to return `expected`.
func expect<Value: Equatable>(
  _ subject: String, toGive expected: Value, file: StaticString = #fileID, line: UInt = #line,
  _ body: () async throws -> Value
) async throws {
  let seen = try await expect(subject, toEndWith: spelling(expected), at: "\(file):\(line)", body)
  try expect(subject, seen, is: expected, file: file, line: line)
}

/// Expects `body` to end without an error, and returns its result.
@discardableResult
func expectEnd<Value>(
  of subject: String, file: StaticString = #fileID, line: UInt = #line, _ body: () async throws -> Value
) async throws -> Value {
  try await expect(subject, toEndWith: "it to end", at: "\(file):\(line)", body)
}

/// Yields until `condition` is true.
func expectEventually(
  _ subject: String, file: StaticString = #fileID, line: UInt = #line, _ condition: () -> Bool
) async throws {
  try await expectEnd(of: "waiting for \(subject)", file: file, line: line) {
    while !condition() {
      // The watchdog cancels the task when it gives up.
      try Task.checkCancellation()
      await Task.yield()
    }
  }
}

/// Expects `body` to fail with `error`.
func expect<Value>(
  _ subject: String, toThrow error: IOError, file: StaticString = #fileID, line: UInt = #line,
  _ body: () async throws -> Value
) async throws {
  try await expect(subject, toThrow: "“\(error)”", at: "\(file):\(line)", { $0 as? IOError == error }, body)
}

/// Expects `body` to fail with one of the system's error codes for `operation`.
func expect<Value>(
  _ subject: String, toBeRefused operation: IOError.Operation, with codes: Set<Int32>,
  file: StaticString = #fileID, line: UInt = #line, _ body: () async throws -> Value
) async throws {
  let names = codes.sorted().map { "“\(IOError(operation, .system($0)))”" }.joined(separator: " or ")
  try await expect(
    subject, toThrow: names, at: "\(file):\(line)",
    { error in
      guard let error = error as? IOError, error.operation == operation, let code = error.errno else { return false }
      return codes.contains(code)
    }, body)
}

/// Expects `body` to fail with `CancellationError`.
func expectCancellation<Value>(
  of subject: String, file: StaticString = #fileID, line: UInt = #line, _ body: () async throws -> Value
) async throws {
  try await expect(subject, toThrow: "CancellationError", at: "\(file):\(line)", { $0 is CancellationError }, body)
}

private func expect<Value>(
  _ subject: String, toEndWith expected: String, at location: String, _ body: () async throws -> Value
) async throws -> Value {
  let outer = Trial.current?.setCurrentWait(Finding(subject, expected: expected, seen: "", at: location))
  do {
    let value = try await body()
    Trial.current?.setCurrentWait(outer)
    return value
  } catch let finding as Finding {
    throw finding
  } catch {
    throw Finding(subject, expected: expected, seen: "the error “\(error)”", at: location)
  }
}

private func expect<Value>(
  _ subject: String, toThrow expected: String, at location: String, _ isExpected: (any Error) -> Bool,
  _ body: () async throws -> Value
) async throws {
  let outer = Trial.current?.setCurrentWait(Finding(subject, expected: expected, seen: "", at: location))
  do {
    let value = try await body()
    throw Finding(subject, expected: expected, seen: "no error, and \(spelling(value))", at: location)
  } catch let finding as Finding {
    throw finding
  } catch {
    guard isExpected(error) else {
      throw Finding(subject, expected: expected, seen: "the error “\(error)”", at: location)
    }
  }
  Trial.current?.setCurrentWait(outer)
}

/// Returns the form of a value in a message.
private func spelling<Value>(_ value: Value) -> String {
  if let bytes = bytes(value) {
    return bytes.count > 40 ? "\(bytes.count) bytes" : "“\(String(decoding: bytes, as: UTF8.self))”"
  }
  return switch value {
  case is Void: "an end"
  case let stream as any ByteStream: "a stream to \(stream.peerAddress.map(\.description) ?? "a peer")"
  default: String(describing: value)
  }
}

/// Like `==`, which takes seconds for megabytes in a debug build.
private func isSame<Value: Equatable>(_ a: Value, _ b: Value) -> Bool {
  guard let a = bytes(a), let b = bytes(b) else { return a == b }
  return a.count == b.count && memcmp(a, b, a.count) == 0
}

/// Returns a value whose static type is bytes. A check of the dynamic type would accept any empty array.
private func bytes<Value>(_ value: Value) -> [UInt8]? {
  Value.self == [UInt8].self || Value.self == [UInt8]?.self ? value as? [UInt8] : nil
}
