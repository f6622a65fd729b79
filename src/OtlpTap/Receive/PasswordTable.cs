using System.Security.Cryptography;
using System.Text;

namespace OtlpTap.Receive;

/// <summary>
/// Names and passwords in the forms of Apache's htpasswd. bcrypt takes its 50 ms on purpose: what it said of a pair is kept,
/// so that a request does not pay for it, one password is checked at a time, and so many may wait. Who guesses takes one core at most.
/// </summary>
internal sealed class PasswordTable
{
    /// <summary>Answers that are kept, right and wrong ones apart: agents share a few accounts, and one that is set up wrong repeats itself.</summary>
    public const int KnownMax = 1024;

    /// <summary>Different pairs that wait: some seconds of work.</summary>
    public const int WaitingMax = 32;

    /// <summary>Requests that wait, for whatever pair. What their senders have sent behind the headers lies in the server's buffers meanwhile, which nothing else bounds.</summary>
    public const int WaitingRequestsMax = 1024;

    /// <summary>Four seconds a password. A higher cost is a mistake, and would block all others.</summary>
    private const int BcryptCostMax = 16;

    private const string ShaPrefix = "{SHA}";

    // $2y$10$ and 53 characters.
    private const int BcryptLength = 60;

    private static readonly string[] OtherForms = ["$apr1$", "$1$", "$5$", "$6$", "{SSHA}", "$argon2", "$y$", "$2"];

    private readonly Dictionary<string, string> _passwords;
    private readonly string? _decoy;
    private readonly byte[] _key = Digest.NewKey();
    private readonly Lock _lock = new();
    private readonly HashSet<Digest> _right = []; // under the lock, as the next four
    private readonly HashSet<Digest> _wrong = [];
    private readonly Dictionary<Digest, Task<bool>> _waiting = [];
    private Task _last = Task.CompletedTask;
    private int _waitingRequests;

    private PasswordTable(string fileText, Dictionary<string, string> passwords)
    {
        FileText = fileText;
        _passwords = passwords;
        _decoy = passwords.Values.FirstOrDefault(IsBcrypt);
    }

    public string FileText { get; }

    /// <param name="inline">Its lines win over the file's.</param>
    /// <exception cref="UnusableFileException">A line is not <c>name:password</c> in a form that is known, or there is none.</exception>
    public static PasswordTable Parse(string file, string fileName, string inline, string inlineName)
    {
        var passwords = new Dictionary<string, string>(StringComparer.Ordinal);
        Add(file, fileName);
        Add(inline, inlineName);
        return passwords.Count > 0 ? new PasswordTable(file, passwords) : throw new UnusableFileException($"{(file.Length > 0 ? fileName : inlineName)} has no line `name:password`");

        void Add(string text, string name)
        {
            var number = 0;
            foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries))
            {
                number++;
                if (line.Length > 0 && line[0] != '#')
                {
                    var colon = line.IndexOf(':', StringComparison.Ordinal);
                    var problem = colon <= 0 ? "is not `name:password`" : ProblemOf(line[(colon + 1)..]);
                    passwords[line[..Math.Max(colon, 0)]] = problem is null ? line[(colon + 1)..] : throw new UnusableFileException($"{name}, line {number}, {problem}");
                }
            }
        }
    }

    public ValueTask<Authentication> CheckAsync(string user, string password, CancellationToken cancellation)
    {
        var isKnown = _passwords.TryGetValue(user, out var stored);

        // A name that is not there takes as long as one that is.
        stored ??= _decoy ?? "";
        return IsBcrypt(stored)
            ? CheckBcryptAsync(Digest.Of($"{user}:{password}", _key), password, stored, isKnown, cancellation)
            : new(IsSame(password, stored) & isKnown ? Authentication.Accepted : Authentication.Refused);
    }

    private async ValueTask<Authentication> CheckBcryptAsync(Digest pair, string password, string stored, bool isKnown, CancellationToken cancellation)
    {
        Task<bool>? checking;
        lock (_lock)
        {
            if (_right.Contains(pair))
            {
                return Authentication.Accepted;
            }

            if (_wrong.Contains(pair))
            {
                return Authentication.Refused;
            }

            if (_waitingRequests >= WaitingRequestsMax)
            {
                return Authentication.Busy;
            }

            if (!_waiting.TryGetValue(pair, out checking))
            {
                if (_waiting.Count >= WaitingMax)
                {
                    return Authentication.Busy;
                }

                // One after the other. Not cancelled with the caller: others wait for the same answer.
                checking = VerifyAsync(_last, pair, password, stored, isKnown);
                _last = checking;
                _waiting.Add(pair, checking);
            }

            _waitingRequests++;
        }

        try
        {
            return await checking.WaitAsync(cancellation) ? Authentication.Accepted : Authentication.Refused;
        }
        finally
        {
            lock (_lock)
            {
                _waitingRequests--;
            }
        }
    }

    private async Task<bool> VerifyAsync(Task before, Digest pair, string password, string stored, bool isKnown)
    {
        // Never on the caller's thread, which holds the lock.
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.SuppressThrowing);
        var isRight = false;
        try
        {
            isRight = BCrypt.Net.BCrypt.Verify(password, stored) & isKnown;
            return isRight;
        }
        finally
        {
            lock (_lock)
            {
                _waiting.Remove(pair);
                var known = isRight ? _right : _wrong;
                if (known.Count >= KnownMax)
                {
                    known.Clear();
                }

                known.Add(pair);
            }
        }
    }

    private bool IsSame(string password, string stored)
    {
        var isHashed = stored.StartsWith(ShaPrefix, StringComparison.Ordinal);
#pragma warning disable CA5350 // the form of the file, which others write; bcrypt is there for those who choose
        var shown = isHashed ? Convert.ToBase64String(SHA1.HashData(Encoding.UTF8.GetBytes(password))) : password;
#pragma warning restore CA5350
        return Digest.Of(shown, _key).Equals(Digest.Of(stored.AsSpan(isHashed ? ShaPrefix.Length : 0), _key));
    }

    private static bool IsBcrypt(string stored) =>
        stored.Length == BcryptLength && stored[0] == '$' && stored[1] == '2' && stored[2] is 'a' or 'b' or 'y' && stored[3] == '$';

    /// <summary>Why a stored password is refused: its text would otherwise be the password.</summary>
    private static string? ProblemOf(string stored)
    {
        if (stored.Length == 0)
        {
            return "has no password";
        }

        if (IsBcrypt(stored))
        {
            return int.TryParse(stored.AsSpan(4, 2), out var cost) && cost is >= 4 and <= BcryptCostMax && stored[6] == '$' && stored.AsSpan(7).IndexOfAnyExcept(Base64Letters) < 0
                ? null
                : $"has a bcrypt hash of a cost that is not 4 to {BcryptCostMax}, or that is none";
        }

        return OtherForms.FirstOrDefault(form => stored.StartsWith(form, StringComparison.OrdinalIgnoreCase)) is { } other
            ? $"has a password of the form `{other}`; bcrypt (htpasswd -B), {ShaPrefix} and plain text are taken"
            : null;
    }

    private static readonly System.Buffers.SearchValues<char> Base64Letters =
        System.Buffers.SearchValues.Create("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
}
