package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.contract.ThreadsCheck;
import org.junit.jupiter.api.Test;

class ThreadsTest {
    @Test
    void eightThreadsOnOneDeviceGetRightResults() throws InterruptedException {
        try (Device device = Device.open("cpu", Map.of("threads", "2"))) {
            long before = device.liveBytes();
            ThreadsCheck check = ThreadsCheck.on(device).threads(8).operations(100_000);
            assertEquals(List.of(), check.run());
            assertTrue(check.done() >= 100_000, check.done() + " operations");
            // The state of the random numbers stays. Versions that computed tensors lead to are left to the collector.
            for (int tries = 0; tries < 100 && device.liveBytes() != before + 16; tries++) {
                System.gc();
                Thread.sleep(20);
            }
            assertEquals(before + 16, device.liveBytes());
        }
    }
}
