using System.Text;

namespace OtlpTap.Forward;

/// <summary>A header that shows an upstream who sends. The value is a secret: it goes into headers and nowhere else.</summary>
internal sealed record CredentialHeader(string Name, string Value)
{
    public override string ToString() => $"{Name}: ***";
}

/// <summary>
/// What an exporter's <c>auth</c> adds to every call. A token from a file is read again when the file has changed, which
/// is looked at once a second at most; where it cannot be read, the last one goes on being shown.
/// </summary>
internal sealed class ClientCredential
{
    // Tokens live for minutes at least; a look costs a few microseconds.
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    // A bearer token is a line of some kilobytes at most; what is larger is another file.
    private const int FileBytesMax = 64 << 10;

    private readonly ClientBearerTokenOptions? _fromFile;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private volatile CredentialHeader? _current;
    private long _lookedAt;
    private bool _isFailing;

    private ClientCredential(CredentialHeader fixedHeader, TimeProvider time, ILogger logger)
    {
        _current = fixedHeader;
        _time = time;
        _logger = logger;
    }

    private ClientCredential(ClientBearerTokenOptions fromFile, TimeProvider time, ILogger logger)
    {
        _fromFile = fromFile;
        _time = time;
        _logger = logger;
        Look();
    }

    /// <summary>Null where the exporter has no <c>auth</c>.</summary>
    public static ClientCredential? Create(ClientAuthOptions? options, TimeProvider time, ILogger logger) => options switch
    {
        null => null,
        ClientBearerTokenOptions { TokenFile: not null } bearer => new ClientCredential(bearer, time, logger),
        ClientBearerTokenOptions bearer => new ClientCredential(Header(bearer, bearer.Token ?? ""), time, logger),
        ClientBasicAuthOptions basic => new ClientCredential(
            new CredentialHeader("authorization", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{basic.User}:{basic.Password}"))}"), time, logger),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.GetType(), "This kind of client authentication is not known."),
    };

    /// <summary>The same object until the credential changes. Null while there is none: the token's file could not be read yet.</summary>
    public CredentialHeader? Current
    {
        get
        {
            if (_fromFile is not null && _time.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= LookInterval)
            {
                Look();
            }

            return _current;
        }
    }

    private static CredentialHeader Header(ClientBearerTokenOptions options, string token) =>
        new(options.Header, options.Scheme.Length == 0 ? token : $"{options.Scheme} {token}");

    private void Look()
    {
        if (!_lock.TryEnter())
        {
            return;
        }

        try
        {
            Volatile.Write(ref _lookedAt, _time.GetTimestamp());
            var problem = TryRead(_fromFile!.TokenFile!, out var token);
            if (problem is null)
            {
                var header = Header(_fromFile, token);
                _current = header == _current ? _current : header;
                _isFailing = false;
            }
            else if (!_isFailing)
            {
                _isFailing = true;
                _logger.TokenUnreadable(_fromFile.Id, problem);
            }
        }
        finally
        {
            _lock.Exit();
        }
    }

    // The message names the file, never what is in it.
    private static string? TryRead(string path, out string token)
    {
        token = "";
        try
        {
            if (new FileInfo(path).Length > FileBytesMax)
            {
                return $"'{path}' is larger than {FileBytesMax} bytes";
            }

            token = File.ReadLines(path).Select(line => line.Trim()).FirstOrDefault(line => line.Length > 0) ?? "";
            return token.Length == 0 ? $"'{path}' is empty"
                : token.Any(char.IsControl) ? $"'{path}' holds a control character"
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }
    }
}
