import Glibc

/// Reads the steps of a recorded day from its file, one after the other.
///
/// A day may be larger than memory: never more than one line and one page of it is held.
package struct CityStepReader: ~Copyable {
    /// Why no further step can be read.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case file(FileFailure)
        /// The line, counted from 1, is no step; `offset` counts bytes in it.
        case malformed(path: String, line: Int, offset: Int, reason: String)

        package var description: String {
            switch self {
            case .file(let failure): failure.description
            case .malformed(let path, let line, let offset, let reason):
                "\(path), line \(line), byte \(offset + 1): \(reason)"
            }
        }
    }

    /// A line may be longer than any message of the edge, so that one too large can be replayed.
    package static let lineBytesMax = 4 * 1024 * 1024
    private static let pageBytes = 256 * 1024

    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Where in `buffer` the next line begins.
    private var next = 0
    private var isAtEnd = false
    /// The number of the line that was read last, counted from 1.
    package private(set) var line = 0

    package init(path: String) throws(FileFailure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("open", path) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// The next step, or `nil` at the end of the file; empty lines are passed over.
    package mutating func nextStep() throws(Failure) -> CityStep? {
        while let range = try nextLine() {
            let bytes = buffer[range]
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            do {
                return try CityStep(line: bytes)
            } catch {
                throw .malformed(
                    path: path, line: line, offset: error.offset, reason: error.reason)
            }
        }
        return nil
    }

    /// Where in the buffer the next line stands, without its line feed.
    private mutating func nextLine() throws(Failure) -> Range<Int>? {
        var searched = next
        while true {
            if let end = lineFeed(from: searched) {
                defer { next = end + 1 }
                line += 1
                return next..<end
            }
            if isAtEnd {
                guard next < buffer.count else { return nil }
                defer { next = buffer.count }
                line += 1
                return next..<buffer.count
            }
            guard buffer.count - next <= Self.lineBytesMax else {
                throw .malformed(
                    path: path, line: line + 1, offset: Self.lineBytesMax,
                    reason: "the line is longer than \(Self.lineBytesMax) bytes")
            }
            buffer.removeFirst(next)
            next = 0
            searched = buffer.count
            do { try readPage() } catch { throw .file(error) }
        }
    }

    private func lineFeed(from start: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, start < bytes.count else { return nil }
            guard let found = memchr(base + start, 0x0A, bytes.count - start) else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private mutating func readPage() throws(FileFailure) {
        let held = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: Self.pageBytes))
        var count = -1
        repeat {
            count = buffer.withUnsafeMutableBytes { bytes in
                read(descriptor, bytes.baseAddress?.advanced(by: held), Self.pageBytes)
            }
        } while count < 0 && errno == EINTR
        let failure = count < 0 ? FileFailure("read", path) : nil
        buffer.removeLast(Self.pageBytes - max(0, count))
        if let failure { throw failure }
        isAtEnd = count == 0
    }
}
