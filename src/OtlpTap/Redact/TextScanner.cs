using static OtlpTap.Redact.AsciiBytes;

namespace OtlpTap.Redact;

/// <summary>
/// Finds what is personal or secret in a text, in one pass over its UTF-8. Every look around a place is bounded or
/// consumes what it looked at, so that time is linear in the text, whatever it holds.
/// </summary>
internal ref struct TextScanner
{
    private readonly ReadOnlySpan<byte> _text;
    private readonly List<Finding> _findings;
    private readonly bool _isPhone;

    private int _end;        // of the last finding
    private int _randomSeen; // up to here runs of characters were judged for their randomness
    private int _jwtSeen;
    private int _encodedSeen; // up to here they were for what is encoded
    private int _contentEnd; // of the run of characters that was looked at last
    private int _runEnd;     // the same with the equals signs that fill it up
    private int _escapeEnd;  // of the last escape: what follows it begins anew, \nsecret as a line of its own

    private TextScanner(ReadOnlySpan<byte> text, bool isPhone, List<Finding> findings)
    {
        _text = text;
        _findings = findings;
        _isPhone = isPhone;
    }

    /// <param name="isPhone">What the text belongs to says that it is a telephone's number.</param>
    /// <param name="findings">Gets what was found, in order, none overlapping another.</param>
    public static void Find(ReadOnlySpan<byte> text, bool isPhone, List<Finding> findings)
    {
        var scanner = new TextScanner(text, isPhone, findings);
        scanner.Run();
    }

    private void Run()
    {
        var i = 0;
        while (i < _text.Length)
        {
            var c = _text[i];
            if (IsWord(c))
            {
                var isStart = i == 0 || i == _escapeEnd || !IsWord(_text[i - 1]);
                var next = isStart ? AtWord(i) : 0;
                if (next == 0)
                {
                    next = i + 1;
                    while (next < _text.Length && IsWord(_text[next]))
                    {
                        next++;
                    }
                }

                i = next;
                continue;
            }

            i = c switch
            {
                (byte)'@' => AtEmail(i),
                (byte)'-' => AtPem(i),
                (byte)'+' or (byte)'(' => AtPhone(i),
                (byte)':' => AtUrl(i),
                (byte)'\\' or (byte)'%' => AtEscape(i),
                _ => i + 1,
            };
        }
    }

    // \n and \u0022 of JSON that was cut off or is nested too deep, %3D of a URL.
    private int AtEscape(int i)
    {
        var length = _text[i] == '%' ? 3 : i + 1 < _text.Length && _text[i + 1] == 'u' ? 6 : 2;
        if (i + length > _text.Length)
        {
            return i + 1;
        }

        var code = _text[i] == '%' ? _text.Slice(i + 1, 2) : length == 6 ? _text.Slice(i + 2, 4) : default;
        if (length == 2 ? _text[i + 1] is not ((byte)'n' or (byte)'r' or (byte)'t' or (byte)'b' or (byte)'f') : !IsHex(code))
        {
            return i + 1;
        }

        _escapeEnd = i + length;
        return _escapeEnd;
    }

    /// <summary>Where to go on; 0: nothing begins here.</summary>
    private int AtWord(int i)
    {
        if (IsUuid(_text, i))
        {
            return i + 36;
        }

        if (_text[i] == 'e' && AtJwt(i) is > 0 and var jwt)
        {
            return jwt;
        }

        if (AtEncoded(i) is > 0 and var data)
        {
            return data;
        }

        if (ShapedKeys.LengthIn(_text[i..]) is > 0 and var shapedLength)
        {
            return Found(i, i + shapedLength, Sensitive.ApiKey);
        }

        if (KnownKey.LengthIn(_text[i..]) is > 0 and var keyLength)
        {
            return Found(i, i + keyLength, Sensitive.ApiKey);
        }

        if (Iban.EndAt(_text, i) is > 0 and var iban)
        {
            return Found(i, iban, Sensitive.Iban);
        }

        if (IsDigit(_text[i]))
        {
            if (PaymentCard.EndAt(_text, i) is > 0 and var card)
            {
                return Found(i, card, Sensitive.Card);
            }

            if (Phone.EndAt(_text, i, _isPhone) is > 0 and var phone)
            {
                return Found(i, phone, Sensitive.Phone);
            }
        }

        var random = AtRandom(i);
        return random > 0 ? random
            : AssignedSecret.TryFind(_text, i, out var secret) ? Found(secret.Start, secret.End, secret.Kind) : 0;
    }

    private int AtEmail(int i) => EmailAddress.TryFind(_text, i, _end, out var start, out var end) ? Found(start, end, Sensitive.Email) : i + 1;

    private int AtPhone(int i) => Phone.EndAt(_text, i, _isPhone) is > 0 and var end ? Found(i, end, Sensitive.Phone) : i + 1;

    private int AtPem(int i)
    {
        var next = PemBlock.Read(_text, i, out var isPrivateKey);
        return isPrivateKey ? Found(i, next, Sensitive.PrivateKey) : next;
    }

    // header.payload[.signature], both JSON objects: base64url of {"
    private int AtJwt(int i)
    {
        const int PartMin = 8;
        if (i < _jwtSeen || !_text[i..].StartsWith("eyJ"u8))
        {
            return 0;
        }

        var end = i;
        var dots = 0;
        Span<int> dotAt = stackalloc int[5];
        while (end < _text.Length && (IsUrl(_text[end]) || (_text[end] == '.' && dots < 4)))
        {
            if (_text[end] == '.')
            {
                dotAt[dots++] = end;
            }

            end++;
        }

        _jwtSeen = end;
        return dots >= 1 && dotAt[0] - i >= PartMin && (dots > 1 ? dotAt[1] : end) - dotAt[0] > PartMin
            ? Found(i, _text[end - 1] == '.' ? end - 1 : end, Sensitive.Jwt)
            : 0;
    }

    // scheme://user:password@host
    private int AtUrl(int i)
    {
        const int UserInfoMax = 256;
        if (!_text[i..].StartsWith("://"u8))
        {
            return i + 1;
        }

        var colon = -1;
        var end = Math.Min(_text.Length, i + 3 + UserInfoMax);
        for (var at = i + 3; at < end; at++)
        {
            switch (_text[at])
            {
                case (byte)':' when colon < 0:
                    colon = at;
                    break;
                case (byte)'@' when colon > 0 && at > colon + 1 && !AssignedSecret.IsPlaceholder(_text[colon + 1]):
                    return Found(colon + 1, at, Sensitive.Secret);
                case (byte)'/' or (byte)'?' or (byte)'#' or <= (byte)' ' or (byte)'"' or (byte)'\'' or (byte)'<' or (byte)'\\':
                    return i + 3;
            }
        }

        return i + 3;
    }

    /// <summary>A picture, a signature of a model's thought, a digest: as random as a secret, and none. 0: nothing of the kind.</summary>
    private int AtEncoded(int i)
    {
        // Longer than any key that is written without a break; shorter ones may be a key in base64.
        const int DataMin = 256;

        // sha256- and 43 characters.
        const int DigestMin = 50;
        if (i < _encodedSeen)
        {
            return 0;
        }

        FindRun(i);
        _encodedSeen = _contentEnd;
        var run = _text[i.._contentEnd];
        var isDigest = run.StartsWith("sha256-"u8) || run.StartsWith("sha384-"u8) || run.StartsWith("sha512-"u8);
        var isData = run.Length > DataMin && Randomness.IsRandom(run) && KnownKey.LengthIn(run) == 0;
        return isData || (isDigest && run.Length >= DigestMin) ? _runEnd : 0;
    }

    // Once for each: it may be as long as the text, and have a thousand secrets in it. Of name=value each is one.
    private void FindRun(int i)
    {
        if (i < _contentEnd)
        {
            return;
        }

        _contentEnd = i;
        while (_contentEnd < _text.Length && IsOfRun(_text[_contentEnd]))
        {
            _contentEnd++;
        }

        _runEnd = _contentEnd;
        while (_runEnd < _text.Length && _text[_runEnd] == '=')
        {
            _runEnd++;
        }

        _runEnd = _runEnd < _text.Length && IsOfRun(_text[_runEnd]) ? _contentEnd : _runEnd;
    }

    /// <summary>A run of characters too random to be words: 32 at least, or less where its prefix says what it is.</summary>
    private int AtRandom(int i)
    {
        if (i < _randomSeen)
        {
            return 0;
        }

        FindRun(i);
        var isPath = i > 0 && _text[i - 1] is (byte)'.' or (byte)'/';
        var run = _text[i.._contentEnd];
        var found = !isPath && IsKeyWithSlash(run, _runEnd - i) ? Found(i, _runEnd, Sensitive.Secret) : AtRandomPiece(i, run);
        _randomSeen = found > 0 ? found : _contentEnd;
        return found;
    }

    // A path is judged piece by piece; a key with a slash in it is of one piece, and has the length of one.
    private static bool IsKeyWithSlash(ReadOnlySpan<byte> content, int lengthWithFiller) =>
        lengthWithFiller is 40 or 44 or 64 or 88 && content.IndexOf((byte)'/') is >= 0 and var slash
        && Randomness.IsRandom(content) && Randomness.IsOfOnePiece(content) && !Randomness.IsId(content[(slash + 1)..]);

    private int AtRandomPiece(int start, ReadOnlySpan<byte> content)
    {
        const int LengthMin = 32;

        // Longer is data, such as a picture.
        const int LengthMax = 256;
        for (var at = 0; at < content.Length;)
        {
            var slash = content[at..].IndexOf((byte)'/');
            var length = slash < 0 ? content.Length - at : slash;
            if (length is >= LengthMin and <= LengthMax && Randomness.IsSecret(content.Slice(at, length)))
            {
                // What stands before the piece in this run was looked at for nothing else yet; nothing known begins in it but words.
                return Found(start + at, slash < 0 ? _runEnd : start + at + length, Sensitive.Secret);
            }

            at += length + 1;
        }

        return 0;
    }

    private int Found(int start, int end, Sensitive kind)
    {
        // An earlier finding may reach into this one: the piece before it is in that one already.
        start = Math.Max(start, _end);
        if (end > start)
        {
            _findings.Add(new Finding(start, end - start, kind));
            _end = end;
        }

        return Math.Max(end, 1);
    }
}
