import Glibc
public import Runtime
import RuntimePrimitives

/// The disk of a host in a simulation: files, by name, that survive the host's crash as far as they were synced.
///
/// ```swift
/// try await host.disk.append(record, to: "log")
/// try await host.disk.sync("log")
/// try await host.disk.syncNames()
/// ```
///
/// Each operation takes the simulated time that ``FaultPlan/diskLatency`` says. What a write, a rename or a removal does,
/// every reader sees from its beginning; what a sync does is done at its end. After a crash
///
/// - each write that was not synced is there, is not there, or is there as far as some byte, whatever has become of the
///   writes before and after it; where one is missing below a later one, there are zeros;
/// - of the changes of names that were not synced (files made, renamed or removed) the first so many are there. A file whose
///   name is not there is lost, synced or not, as fsync(2) warns. A rename is never there in part.
///
/// ``FaultPlan/lostWrites``, ``FaultPlan/tornWrites`` and ``FaultPlan/lostNames`` say how often. A sync that fails leaves
/// what it was to save unsynced for good: a later one succeeds without it, as on Linux.
///
/// The test may use the disk of a host that has crashed. Cancelling the task does not end an operation. It is used from its
/// simulation alone.
public struct SimulatedDisk: Sendable {
  let host: SimulatedHost
  let simulation: Simulation

  private var directory: DiskDirectory { host.directory }

  // MARK: Files

  /// The `count` bytes of file `name` from `offset` on, or as many as there are.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file, or of `read` with `EIO`.
  public func read(_ name: String, from offset: Int = 0, upTo count: Int = .max) async throws(IOError) -> [UInt8] {
    let file = try file(name)
    await spend(file.nextOperation(), .read, "\"\(name)\"")
    try check(.read, file)
    let bytes = Array(file.bytes.dropFirst(offset).prefix(count))
    record(.read(name, bytes.count, from: offset))
    return bytes
  }

  /// How many bytes file `name` has.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file.
  public func size(of name: String) async throws(IOError) -> Int {
    let file = try file(name)
    await spend(file.nextOperation(), .read, "\"\(name)\"")
    return file.bytes.count
  }

  /// Writes `bytes` to file `name` from `offset` on, over what is there. A file that is not there is made; between its end and
  /// `offset` there are zeros.
  ///
  /// - Throws: ``IOError`` of `write`, with `EIO` when nothing has been written, or with `ENOSPC` when there was no room for
  ///   more than a part of it.
  public func write(_ bytes: [UInt8], to name: String, at offset: Int) async throws(IOError) {
    try checkUsable(.write)
    try await write(bytes, to: directory.file(making: name), named: name, at: offset)
  }

  /// Writes `bytes` to the end of file `name`, which is made if it is not there.
  ///
  /// - Throws: as ``write(_:to:at:)`` does.
  public func append(_ bytes: [UInt8], to name: String) async throws(IOError) {
    try checkUsable(.write)
    let file = directory.file(making: name)
    try await write(bytes, to: file, named: name, at: file.bytes.count)
  }

  private func write(
    _ bytes: [UInt8], to file: DiskFile, named name: String, at offset: Int
  ) async throws(IOError) {
    precondition(offset >= 0, "nothing is before the beginning of a file")
    try check(.write, file)
    var (bytes, isFull) = (bytes, false)
    if let fault = simulation.network.fault(.fullDisk, plan.fullDisks, at: file.place(of: .fullDisk), inFile: file) {
      isFull = true
      bytes = Array(bytes.prefix(simulation.network.faults.amount(fault, upTo: max(0, bytes.count - 1))))
    }
    if !bytes.isEmpty { file.write(bytes, at: offset) }
    record(.write(name, bytes.count, at: offset))
    await spend(file.nextOperation(), .write, "\"\(name)\"")
    if isFull { throw IOError(.write, .system(ENOSPC)) }
  }

  /// Cuts file `name` to `size` bytes, or adds zeros up to that.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file, or of `write` with `EIO`.
  public func truncate(_ name: String, to size: Int) async throws(IOError) {
    let file = try file(name)
    try check(.write, file)
    file.truncate(to: size)
    record(.truncate(name, to: size))
    await spend(file.nextOperation(), .write, "\"\(name)\"")
  }

  /// Makes sure that what has been written to file `name` survives a crash. Its name does by ``syncNames()``.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file, or of `write` with `EIO`.
  public func sync(_ name: String) async throws(IOError) {
    let file = try file(name)
    let count = file.changeCount
    await spend(file.nextOperation(), .write, "\"\(name)\"")
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

  /// The names of all files, in their order.
  public func list() async throws(IOError) -> [String] {
    try checkUsable(.read)
    await spend(directory.nextOperation(), .read, "the names")
    return directory.files.keys.sorted()
  }

  /// Gives file `name` another name, in place of a file that has had that.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file.
  public func rename(_ name: String, to other: String) async throws(IOError) {
    _ = try file(name)
    if name != other { directory.rename(name, to: other) }
    record(.rename(name, to: other))
    await spend(directory.nextOperation(), .write, "the names")
  }

  /// Removes file `name`.
  ///
  /// - Throws: ``IOError`` of `open` with `ENOENT` if there is no such file.
  public func remove(_ name: String) async throws(IOError) {
    _ = try file(name)
    directory.remove(name)
    record(.remove(name))
    await spend(directory.nextOperation(), .write, "the names")
  }

  /// Makes sure that the names which files have now survive a crash: fsync(2) of the directory.
  public func syncNames() async throws(IOError) {
    try checkUsable(.write)
    let count = directory.changeCount
    await spend(directory.nextOperation(), .write, "the names")
    try checkUsable(.write)
    directory.sync(count)
    record(.syncNames)
  }

  // MARK: What each does

  private var plan: FaultPlan { simulation.network.faults.plan }

  private func file(_ name: String) throws(IOError) -> DiskFile {
    try checkUsable(.open)
    guard let file = directory.files[name] else { throw IOError(.open, .system(ENOENT)) }
    return file
  }

  /// Fails for a task whose host has crashed, and by a fault.
  private func check(_ operation: IOError.Operation, _ file: DiskFile) throws(IOError) {
    try checkUsable(operation)
    let place = file.place(of: .diskError)
    if simulation.network.fault(.diskError, plan.diskErrors, at: place, inFile: file) != nil {
      throw IOError(operation, .system(EIO))
    }
  }

  private func checkUsable(_ operation: IOError.Operation) throws(IOError) {
    simulation.assertCurrent()
    if simulation.owners.isCurrentDead { throw IOError(operation, .closed) }
  }

  /// Has the operation at `place` take its time.
  private func spend(_ place: Fault.Place, _ operation: IOError.Operation, _ name: String) async {
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
  /// The disk of this host. It stays the same when the host is shut down or crashes, but for what was not synced.
  public var disk: SimulatedDisk { SimulatedDisk(host: host, simulation: simulation) }
}

/// What has been done to a disk, for the trace.
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
