import Glibc
public import Runtime
import RuntimePrimitives

/// The disk of a host in a simulation: named files that survive the host's crash as far as they were synced.
///
/// ```swift
/// try await host.disk.append(record, to: "log")
/// try await host.disk.sync("log")
/// try await host.disk.syncNames()
/// ```
///
/// Each operation takes the simulated time that ``FaultPlan/diskLatency`` gives. Readers see the effect of a write, a
/// rename or a removal from the beginning of the operation; a sync takes effect at its end. After a crash
///
/// - each write that was not synced is kept, lost, or kept up to some byte, independently of the writes before and
///   after it; a gap below a later write contains zeros;
/// - of the changes of names that were not synced (files created, renamed or removed), the first ones are kept, up to
///   some change. A file whose name is lost is lost, synced or not, as fsync(2) warns. A rename is kept or lost as a
///   whole.
///
/// ``FaultPlan/lostWrites``, ``FaultPlan/tornWrites`` and ``FaultPlan/lostNames`` are the chances. Changes that a
/// failed sync should have saved stay unsynced for good: a later sync succeeds without them, as on Linux.
///
/// A test may use the disk of a crashed host. Cancelling the task does not end an operation. Use the disk in its
/// simulation only.
public struct SimulatedDisk: Sendable {
  let host: SimulatedHost
  let simulation: Simulation

  private var directory: DiskDirectory { host.directory }

  // MARK: Files

  /// Reads at most `count` bytes of file `name` from `offset`, fewer if the file ends before.
  ///
  /// - Parameters:
  ///   - name: the name of the file.
  ///   - offset: the position of the first byte.
  ///   - count: the most bytes to read.
  /// - Returns: the bytes; none if `offset` is at or after the end of the file.
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file, or of `read` with `EIO`.
  public func read(_ name: String, from offset: Int = 0, upTo count: Int = .max) async throws(IOError) -> [UInt8] {
    let file = try file(name)
    await waitForLatency(at: file.nextOperation(), .read, "\"\(name)\"")
    try check(.read, file)
    let bytes = Array(file.bytes.dropFirst(offset).prefix(count))
    record(.read(name, bytes.count, from: offset))
    return bytes
  }

  /// Returns the size of file `name` in bytes.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file.
  public func size(of name: String) async throws(IOError) -> Int {
    let file = try file(name)
    await waitForLatency(at: file.nextOperation(), .read, "\"\(name)\"")
    return file.bytes.count
  }

  /// Writes `bytes` to file `name` at `offset`, over what is there. Creates the file if it does not exist, and fills a
  /// gap between its end and `offset` with zeros.
  ///
  /// - Parameters:
  ///   - bytes: the bytes to write.
  ///   - name: the name of the file.
  ///   - offset: the position of the first byte.
  /// - Throws: ``IOError`` of `write`: with `EIO` if nothing was written, or with `ENOSPC` if the disk had room for
  ///   only part of `bytes`, which was written.
  public func write(_ bytes: [UInt8], to name: String, at offset: Int) async throws(IOError) {
    try checkUsable(.write)
    try await write(bytes, to: directory.findOrCreateFile(named: name), named: name, at: offset)
  }

  /// Writes `bytes` to the end of file `name`. Creates the file if it does not exist.
  ///
  /// - Throws: as ``write(_:to:at:)`` does.
  public func append(_ bytes: [UInt8], to name: String) async throws(IOError) {
    try checkUsable(.write)
    let file = directory.findOrCreateFile(named: name)
    try await write(bytes, to: file, named: name, at: file.bytes.count)
  }

  private func write(
    _ bytes: [UInt8], to file: DiskFile, named name: String, at offset: Int
  ) async throws(IOError) {
    precondition(offset >= 0, "an offset in a file is not negative")
    try check(.write, file)
    var (bytes, isFull) = (bytes, false)
    if let fault = simulation.network.fault(.fullDisk, plan.fullDisks, at: file.nextPlace(of: .fullDisk), inFile: file)
    {
      isFull = true
      bytes = Array(bytes.prefix(simulation.network.faults.amount(fault, upTo: max(0, bytes.count - 1))))
    }
    if !bytes.isEmpty { file.write(bytes, at: offset) }
    record(.write(name, bytes.count, at: offset))
    await waitForLatency(at: file.nextOperation(), .write, "\"\(name)\"")
    if isFull { throw IOError(.write, .system(ENOSPC)) }
  }

  /// Cuts file `name` to `size` bytes, or extends it to that size with zeros.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file, or of `write` with `EIO`.
  public func truncate(_ name: String, to size: Int) async throws(IOError) {
    let file = try file(name)
    try check(.write, file)
    file.truncate(to: size)
    record(.truncate(name, to: size))
    await waitForLatency(at: file.nextOperation(), .write, "\"\(name)\"")
  }

  /// Makes the contents of file `name`, as they are now, survive a crash. ``syncNames()`` does the same for its name.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file, or of `write` with `EIO`.
  public func sync(_ name: String) async throws(IOError) {
    let file = try file(name)
    let count = file.changeCount
    await waitForLatency(at: file.nextOperation(), .write, "\"\(name)\"")
    do {
      try check(.write, file)
    } catch {
      file.giveUp(count)
      throw error
    }
    file.sync(count)
    record(.sync(name))
  }

  // MARK: Names

  /// Returns the names of all files, sorted.
  public func list() async throws(IOError) -> [String] {
    try checkUsable(.read)
    await waitForLatency(at: directory.nextOperation(), .read, "the names")
    return directory.files.keys.sorted()
  }

  /// Renames file `name` to `other`, and replaces a file of that name.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file.
  public func rename(_ name: String, to other: String) async throws(IOError) {
    _ = try file(name)
    if name != other { directory.rename(name, to: other) }
    record(.rename(name, to: other))
    await waitForLatency(at: directory.nextOperation(), .write, "the names")
  }

  /// Removes file `name`.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file.
  public func remove(_ name: String) async throws(IOError) {
    _ = try file(name)
    directory.remove(name)
    record(.remove(name))
    await waitForLatency(at: directory.nextOperation(), .write, "the names")
  }

  /// Makes the present names of files survive a crash, as fsync(2) of the directory does.
  public func syncNames() async throws(IOError) {
    try checkUsable(.write)
    let count = directory.changeCount
    await waitForLatency(at: directory.nextOperation(), .write, "the names")
    try checkUsable(.write)
    directory.sync(count)
    record(.syncNames)
  }

  // MARK: Common to the operations

  private var plan: FaultPlan { simulation.network.faults.plan }

  private func file(_ name: String) throws(IOError) -> DiskFile {
    try checkUsable(.open)
    guard let file = directory.files[name] else { throw IOError(.open, .system(ENOENT)) }
    return file
  }

  /// Throws for a task whose host has crashed, and for a fault.
  private func check(_ operation: IOError.Operation, _ file: DiskFile) throws(IOError) {
    try checkUsable(operation)
    let place = file.nextPlace(of: .diskError)
    if simulation.network.fault(.diskError, plan.diskErrors, at: place, inFile: file) != nil {
      throw IOError(operation, .system(EIO))
    }
  }

  private func checkUsable(_ operation: IOError.Operation) throws(IOError) {
    simulation.assertCurrent()
    if simulation.owners.isCurrentDead { throw IOError(operation, .closed) }
  }

  /// Waits for the time that the operation at `place` takes.
  private func waitForLatency(at place: Fault.Place, _ operation: IOError.Operation, _ name: String) async {
    let range = plan.diskLatency
    guard range.upperBound > .zero else { return await Task.yield() }
    let latency = simulation.network.faults.latency(
      within: max(0, range.lowerBound.nanoseconds)...max(0, range.upperBound.nanoseconds), at: place)
    _ = await simulation.wait(
      on: host.number, for: .disk(operation, name, host: host.number), until: simulation.now + latency,
      heedsCancellation: false)
  }

  private func record(_ event: DiskEvent.Kind) {
    simulation.journal.record(.disk(DiskEvent(host: host, kind: event)))
  }
}

extension SimulatedRuntime {
  /// The disk of this host. A shutdown leaves it as it is; a crash loses what was not synced.
  public var disk: SimulatedDisk { SimulatedDisk(host: host, simulation: simulation) }
}

/// An operation on a disk, for the trace.
struct DiskEvent {
  let host: SimulatedHost
  let kind: Kind

  enum Kind {
    case read(String, Int, from: Int)
    case write(String, Int, at: Int)
    case truncate(String, to: Int)
    case sync(String)
    case rename(String, to: String)
    case remove(String)
    case syncNames
  }
}

extension DiskEvent: CustomStringConvertible {
  var description: String {
    let place = "on the disk of host \(host.number)"
    return switch kind {
    case .read(let name, let count, let offset): "reads \(count) bytes from \"\(name)\" at \(offset) \(place)"
    case .write(let name, let count, let offset): "writes \(count) bytes to \"\(name)\" at \(offset) \(place)"
    case .truncate(let name, let size): "cuts \"\(name)\" to \(size) bytes \(place)"
    case .sync(let name): "syncs \"\(name)\" \(place)"
    case .rename(let name, let other): "renames \"\(name)\" to \"\(other)\" \(place)"
    case .remove(let name): "removes \"\(name)\" \(place)"
    case .syncNames: "syncs the names \(place)"
    }
  }
}
