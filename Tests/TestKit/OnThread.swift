import Foundation

/// Runs `body` on a thread of its own, because waiting for a socket, a store or a process would
/// take a thread from the pool that all tests share.
///
/// It stays part of its task, so what fails there is told of the right test.
package func onThread<Answer: Sendable>(
    _ body: @Sendable () throws -> Answer
) async throws -> Answer {
    @concurrent func run() async throws -> Answer { try body() }
    return try await withTaskExecutorPreference(ThreadExecutor()) { try await run() }
}

private final class ThreadExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread { [self] in
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
