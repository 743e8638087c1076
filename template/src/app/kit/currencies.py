"""The currencies of ISO 4217 and their minor units: the project's own data, because stored amounts depend on them.

The digits in CLDR, which libraries use, say how an amount is shown, and they change between releases. Keep a code that
the standard withdraws for as long as an amount in it may be stored. Never change an exponent.
"""

from typing import Final

# ISO 4217 list one, as published by its maintenance agency SIX on 2026-01-01, without the codes that have no minor unit
# (gold, units of account, testing). The key is the number of decimals.
_CODES: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
        COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
        INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
        MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
        STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

MINOR_UNITS: Final = {code: exponent for exponent, codes in _CODES.items() for code in codes.split()}
"""The exponent of each currency: with 2, an amount of 1250 is 12.50."""
