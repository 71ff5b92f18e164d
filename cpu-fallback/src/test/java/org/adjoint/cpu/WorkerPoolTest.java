package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void everyTaskRunsOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int tasks : new int[] {0, 1, 2, 3, 207, 5000}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(tasks);
                pool.run(tasks, (task, worker) -> {
                    assertTrue(worker >= 0 && worker < pool.workers());
                    runs.incrementAndGet(task);
                });
                for (int task = 0; task < tasks; task++) {
                    assertEquals(1, runs.get(task), "runs of task " + task + " of " + tasks);
                }
            }
        }
    }

    @Test
    void workersThatSleepAreWoken() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(2)) {
            for (int round = 0; round < 5; round++) {
                Thread.sleep(5);
                AtomicInteger both = new AtomicInteger();
                // Neither task ends before the other has begun, so one thread alone could not finish.
                pool.run(2, (task, worker) -> {
                    both.incrementAndGet();
                    while (both.get() < 2) {
                        Thread.onSpinWait();
                    }
                });
            }
        }
    }

    @Test
    void theFirstFailureInTaskOrderIsThrown() {
        try (WorkerPool pool = new WorkerPool(4)) {
            for (int round = 0; round < 2000; round++) {
                var e = assertThrows(IndexOutOfBoundsException.class, () -> pool.run(64, (task, worker) -> {
                    if (task >= 7) {
                        throw new IndexOutOfBoundsException("task " + task);
                    }
                }));
                assertEquals("task 7", e.getMessage());
            }
            AssertionError error = new AssertionError("an error");
            assertSame(error, assertThrows(AssertionError.class, () -> pool.run(8, (task, worker) -> {
                throw error;
            })));
            AtomicInteger after = new AtomicInteger();
            pool.run(100, (task, worker) -> after.incrementAndGet());
            assertEquals(100, after.get());
        }
    }

    @Test
    void runsWithinTasksAndFromManyThreadsFinish() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(3)) {
            AtomicLong total = new AtomicLong();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                threads.add(Thread.ofPlatform().start(() -> {
                    for (int round = 0; round < 300; round++) {
                        pool.run(5, (task, worker) -> pool.run(4, (inner, innerWorker) -> total.incrementAndGet()));
                    }
                }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(8 * 300 * 5 * 4, total.get());
        }
    }

    @Test
    void aClosedPoolRunsOnItsCaller() {
        WorkerPool pool = new WorkerPool(3);
        pool.close();
        Thread caller = Thread.currentThread();
        pool.run(10, (task, worker) -> assertSame(caller, Thread.currentThread()));
    }
}
