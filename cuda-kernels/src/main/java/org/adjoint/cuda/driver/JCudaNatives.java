package org.adjoint.cuda.driver;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jcuda.JCudaVersion;
import jcuda.LibUtils;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.nvrtc.JNvrtc;

/**
 * Loads JCuda's own libraries, those between Java and CUDA.
 *
 * <p>JCuda would unpack them into {@code java.io.tmpdir} under a fixed name, trust a file that is there already, and
 * find none at all on the module path. So they are unpacked here, through the class loader, into a private folder,
 * which is {@code java.io.tmpdir} for as long as the three classes are initialized. They are made for CUDA 12; for
 * another major version the names of the libraries they need are exchanged first. CUDA's own libraries are loaded
 * before, so that the loader recognizes them by their SONAME.
 */
final class JCudaNatives {
    private static final int MADE_FOR = 12;
    private static final String TEMPORARY = "java.io.tmpdir";

    private JCudaNatives() { }

    /** Loads them to be used with the libraries of this major version of CUDA, which are loaded already. */
    static void load(int major) throws Unfit {
        Map<String, byte[]> libraries = new LinkedHashMap<>();
        libraries.put(fileName("JCudaDriver"), read(fileName("JCudaDriver")));
        libraries.put(fileName("JNvrtc"), made(read(fileName("JNvrtc")), "libnvrtc.so.", major));
        libraries.put(fileName("JCublas2"), made(read(fileName("JCublas2")), "libcublas.so.", major));
        Map<String, List<Path>> reasons = new LinkedHashMap<>();
        for (Path parent : NativeFolder.parents()) {
            String reason = load(libraries, parent);
            if (reason == null) {
                return;
            }
            reasons.computeIfAbsent(reason, any -> new ArrayList<>()).add(parent);
        }
        List<String> lines = new ArrayList<>();
        reasons.forEach((reason, parents) -> lines.add(reason + " (in " + parents.stream().map(Path::toString)
            .collect(Collectors.joining(", ")) + ")"));
        throw new Unfit("JCuda's own libraries can't be loaded: " + String.join("; ", lines)
            + "; if it is for the folders, set java.io.tmpdir to one of yours that allows execution");
    }

    /** The name of the file in JCuda's jar and in the folder, where JCuda expects it. */
    static String fileName(String library) {
        return LibUtils.createLibraryFileName(LibUtils.createPlatformLibraryName(library + "-" + JCudaVersion.get()));
    }

    /** The content of a library in JCuda's jars, which serve it to their class loader but not to JCuda's module. */
    static byte[] read(String fileName) throws Unfit {
        String resource = "lib/" + fileName;
        for (Class<?> neighbor : List.of(JCudaDriver.class, JCudaNatives.class)) {
            try (InputStream in = neighbor.getClassLoader().getResourceAsStream(resource)) {
                if (in != null) {
                    return in.readAllBytes();
                }
            } catch (IOException e) {
                throw new Unfit(resource + " can't be read from JCuda's jars (" + e + ")");
            }
        }
        throw new Unfit(resource + " is neither on the class path nor on the module path: add org.jcuda:jcuda-natives"
            + " and org.jcuda:jcublas-natives, version " + JCudaVersion.get() + ", classifier linux-x86_64");
    }

    private static byte[] made(byte[] library, String name, int major) {
        return major == MADE_FOR ? library : SonamePatch.apply(library, name + MADE_FOR, name + major);
    }

    /** Loads them from a folder in {@code parent}; the reason if that does not work there, or else null. */
    private static String load(Map<String, byte[]> libraries, Path parent) throws Unfit {
        try (NativeFolder folder = NativeFolder.create(parent)) {
            List<Path> files = new ArrayList<>();
            for (Map.Entry<String, byte[]> library : libraries.entrySet()) {
                files.add(folder.write(library.getKey(), library.getValue()));
            }
            for (Path file : files) {
                try {
                    DynamicLoader.tryOut(file);
                } catch (Unfit e) {
                    return e.getMessage().replace(folder.path() + "/", "");
                }
            }
            initialize(folder.path());
            return null;
        } catch (NativeFolder.Unusable e) {
            return e.getMessage();
        }
    }

    /** A class whose initialization failed can't be used for the rest of the process: all that could fail was tried. */
    private static void initialize(Path folder) throws Unfit {
        String before = System.setProperty(TEMPORARY, folder.toString());
        try {
            for (Class<?> type : List.of(JCudaDriver.class, JNvrtc.class, JCublas2.class)) {
                Class.forName(type.getName(), true, type.getClassLoader());
            }
        } catch (LinkageError | ClassNotFoundException e) {
            String reason = e.toString().lines().findFirst().orElse("");
            throw new Unfit("JCuda can't be initialized (" + reason + ")"
                + (NativeAccess.isGranted() ? "" : "; start the JVM with " + NativeAccess.option()));
        } finally {
            System.setProperty(TEMPORARY, before);
        }
    }
}
