package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import jcuda.driver.JCudaDriver;
import org.adjoint.cuda.emulator.Emulator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Copies that meet the closing of their device. */
class StagingTest {
    @BeforeEach
    void start() {
        Emulator.require().reset();
        GpuInfo.list(Libraries.load());
        JCudaDriver.setExceptionsEnabled(false);
    }

    /** The page-locked memory is gone then, and copying to it would end the process. */
    @Test
    @Timeout(60)
    void whatWaitsWhileTheDeviceClosesIsRefused() throws InterruptedException {
        Context context = new Context("cuda:0", GpuInfo.device(0));
        Staging staging = new Staging(context);
        Arena arena = Arena.ofShared();
        MemorySegment unreadable = arena.allocate(8);
        arena.close();
        List<Throwable> thrown = Collections.synchronizedList(new ArrayList<>());
        Thread writer = new Thread(() -> staging.write(unreadable, 0));
        writer.setUncaughtExceptionHandler((_, e) -> thrown.add(e));
        staging.exclusively(() -> {
            writer.start();
            while (writer.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            staging.release();
            context.close();
        });
        writer.join();
        assertEquals(List.of("cuda:0 is closed"), thrown.stream().map(Throwable::getMessage).toList());
    }
}
