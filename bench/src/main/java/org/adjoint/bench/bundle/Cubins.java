package org.adjoint.bench.bundle;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.adjoint.Device;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.bench.verify.Item;
import org.adjoint.bench.verify.Parts;

/** The kernels of everything that is verified, compiled for cards that are elsewhere. */
final class Cubins {
    private static final long SECONDS_BETWEEN_LINES = 10;

    private Cubins() { }

    /**
     * Runs the verification on a device that compiles and does not compute; needs NVRTC and no card.
     *
     * @param architectures compute capabilities times 10
     * @param archive that the kernels go to
     * @throws DeviceUnavailableException if there is no NVRTC, with what to install
     */
    static void compile(List<Integer> architectures, Path archive, PrintWriter err)
        throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory(archive.toAbsolutePath().getParent(), "cubins");
        for (int architecture : architectures) {
            compile(folder, architecture, err);
        }
        CubinArchive.pack(folder, archive);
        CubinArchive.remove(folder);
    }

    private static void compile(Path folder, int architecture, PrintWriter err)
        throws IOException, InterruptedException {
        Map<String, String> options = Map.of("folder", folder.toString(), "architecture",
            Integer.toString(architecture));
        try (Device device = Device.open("cuda-compile", options)) {
            err.println(device);
            List<Item> items = new ArrayList<>();
            Parts.onDevice(() -> device).forEach(part -> items.addAll(part.rehearsals()));
            AtomicInteger done = new AtomicInteger();
            try (ExecutorService threads = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
                for (Item item : items) {
                    threads.execute(() -> {
                        rehearse(item);
                        done.incrementAndGet();
                    });
                }
                threads.shutdown();
                while (!threads.awaitTermination(SECONDS_BETWEEN_LINES, TimeUnit.SECONDS)) {
                    print(done.get(), items.size(), folder, err);
                }
            }
            print(done.get(), items.size(), folder, err);
        }
    }

    /** All tensors are zero there, so hardly anything passes; what does not compile, closing the device will tell. */
    private static void rehearse(Item item) {
        try {
            item.check().run();
        } catch (Exception | AssertionError e) {
            System.getLogger(Cubins.class.getName()).log(System.Logger.Level.DEBUG, item.key(), e);
        }
    }

    private static void print(int done, int all, Path folder, PrintWriter err) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            err.printf("  %d of %d done, %d programs compiled%n", done, all, files.count());
            err.flush();
        }
    }
}
