namespace OtlpTap.Forward.Spool;

/// <summary>
/// What the spool asks of the system's files. Behind it stands a disk, which may be full, break, or lose at a power cut
/// whatever was not synced. Failures are <see cref="IOException"/> and <see cref="UnauthorizedAccessException"/>.
/// </summary>
internal interface ISpoolFiles
{
    /// <summary>Makes the directory, and those above it, where it is not there, and makes its being there durable.</summary>
    void CreateDirectory(string path);

    /// <summary>The names, without the directory, of the files in it.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Holds the file at <paramref name="path"/> against every other process until disposed.</summary>
    IDisposable Lock(string path);

    /// <summary>A new file; it must not be there.</summary>
    ISpoolFile Create(string path);

    ISpoolFile Open(string path);

    void Rename(string path, string newPath);

    void Delete(string path);

    /// <summary>Makes durable which files the directory has: those created, renamed and deleted.</summary>
    void SyncDirectory(string path);
}

/// <summary>One open file. Reads beside a write are safe.</summary>
internal interface ISpoolFile : IDisposable
{
    long Length { get; }

    /// <summary>Returns how many bytes were read: less than asked for only at the end.</summary>
    int Read(Span<byte> destination, long offset);

    void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset);

    void SetLength(long length);

    /// <summary>Returns when everything written is durable.</summary>
    void Sync();
}
